#include "tests/root/netfw/world.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "netfw/netlink.hpp"
#include "netfw/nl.hpp"
#include "vsd/base/file.hpp"

namespace vs::netfw::test {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socketAddress(const Address& address, std::uint16_t port) {
  SocketAddress made;
  if (address.family() == Family::IPv4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&made.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, address.bytes(), 4);
    made.size = sizeof *in;
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    std::memcpy(&in6->sin6_addr, address.bytes(), 16);
    made.size = sizeof *in6;
  }
  return made;
}

bool waitFor(int socket, short events, int millis) {
  pollfd poll{socket, events, 0};
  return ::poll(&poll, 1, millis) == 1;
}

int domainOf(Family family) { return family == Family::IPv4 ? AF_INET : AF_INET6; }

}  // namespace

Fd makeNamespace() {
  Fd made;
  std::thread([&made] {
    if (::unshare(CLONE_NEWNET) < 0) return;
    made = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }).join();
  if (!made) throw failed("cannot make a network namespace");
  return made;
}

std::string ip(int netns, const std::vector<std::string>& words) {
  std::string out;
  const auto run = [&] {
    Command command{{findProgram("ip", "iproute2")}};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    const Output output = RealRunner().run(command);
    out = output.status == 0 ? output.out : "";
  };
  if (netns < 0)
    run();
  else
    nl::inNamespace(netns, run);
  return out;
}

Fd socketIn(int netns, int domain, int type, int protocol) {
  Fd made;
  nl::inNamespace(netns, [&] {
    made = Fd(vs::check(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), "socket"));
  });
  const int on = 1;
  ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return made;
}

void bindTo(int socket, const Address& address, std::uint16_t port) {
  SocketAddress at = socketAddress(address, port);
  vs::check(::bind(socket, at.get(), at.size), "bind to {}", address.text());
}

bool sendTo(int socket, const Address& address, std::uint16_t port, const std::string& bytes) {
  SocketAddress at = socketAddress(address, port);
  return ::sendto(socket, bytes.data(), bytes.size(), 0, at.get(), at.size) >= 0;
}

std::string receive(int socket, int millis) {
  if (!waitFor(socket, POLLIN, millis)) return "";
  char buffer[2048];
  const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
  return got <= 0 ? "" : std::string(buffer, static_cast<std::size_t>(got));
}

void World::SetUp() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
  inner_.name = "inner";
  inner_.kind = NetworkKind::Isolated;
  inner_.subnets = {{Prefix::parse("192.168.7.0/24").value(), {}},
                    {Prefix::parse("fd00:7::/64").value(), {}}};
}

Context World::makeContext(const std::string& name, int number) {
  Context made;
  made.name = name;
  made.netns = makeNamespace();
  made.ipv4 = Address::parse("192.168.7." + std::to_string(number)).value();
  made.ipv6 = Address::parse("fd00:7::" + std::to_string(number)).value();
  made.link =
      planLink({name, "uuid of " + name, 0, LinkMode::Bridge, {made.ipv4, made.ipv6}}, inner_);
  apply(made.link, made.netns.get());
  plug(made.link, made.netns.get());
  return made;
}

bool World::canUdp(const Context& from, const Context& to, std::uint16_t port, Family family) {
  const Fd server = socketIn(to.netns.get(), domainOf(family), SOCK_DGRAM);
  bindTo(server.get(), addressOf(to, family), port);
  const Fd client = socketIn(from.netns.get(), domainOf(family), SOCK_DGRAM);
  bindTo(client.get(), addressOf(from, family), 0);
  sendTo(client.get(), addressOf(to, family), port, "ask");
  if (!waitFor(server.get(), POLLIN, 150)) return false;
  SocketAddress asker;
  asker.size = sizeof asker.storage;
  char buffer[16];
  vs::check(::recvfrom(server.get(), buffer, sizeof buffer, 0, asker.get(), &asker.size), "recv");
  ::sendto(server.get(), "answer", 6, 0, asker.get(), asker.size);
  return receive(client.get()) == "answer";
}

bool World::canTcp(const Context& from, const Context& to, std::uint16_t port, Family family) {
  const Fd server = socketIn(to.netns.get(), domainOf(family), SOCK_STREAM);
  bindTo(server.get(), addressOf(to, family), port);
  vs::check(::listen(server.get(), 1), "listen");
  const Fd client = socketIn(from.netns.get(), domainOf(family), SOCK_STREAM);
  SocketAddress at = socketAddress(addressOf(to, family), port);
  ::connect(client.get(), at.get(), at.size);
  if (!waitFor(server.get(), POLLIN, 300)) return false;
  const Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!accepted || ::send(client.get(), "ask", 3, MSG_NOSIGNAL) != 3) return false;
  if (receive(accepted.get()) != "ask") return false;
  return ::send(accepted.get(), "answer", 6, MSG_NOSIGNAL) == 6 &&
         receive(client.get()) == "answer";
}

bool World::canPing(const Context& from, const Context& to, Family family) {
  const bool is4 = family == Family::IPv4;
  const Fd socket =
      socketIn(from.netns.get(), domainOf(family), SOCK_RAW,
               is4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6));
  // The kernel fills in the checksum of IPv6 only: type 8, code 0, id 7, sequence 1.
  const std::string ask = is4 ? std::string("\x08\x00\xf7\xf7\x00\x07\x00\x01", 8)
                              : std::string("\x80\x00\x00\x00\x00\x07\x00\x01", 8);
  if (!sendTo(socket.get(), addressOf(to, family), 0, ask)) return false;
  for (int i = 0; i < 20; ++i) {
    const std::string got = receive(socket.get(), i == 0 ? 300 : 50);
    const std::size_t at = is4 ? 20 : 0;  // a raw IPv4 socket shows the header too
    if (got.size() > at && got[at] == (is4 ? '\0' : '\x81')) return true;
  }
  return false;
}

void World::sendFrame(const Context& from, const std::string& frame) {
  const Fd socket = socketIn(from.netns.get(), AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  nl::inNamespace(from.netns.get(), [&] {
    at.sll_ifindex = static_cast<int>(::if_nametoindex(from.link.name.c_str()));
  });
  vs::check(::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&at),
                     sizeof at),
            "send a frame");
}

}  // namespace vs::netfw::test
