#include "netfw/announce.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "netfw/nl.hpp"
#include "vsd/base/fd.hpp"

namespace vs::netfw {
namespace {

constexpr std::string_view kArp{"\x08\x06", 2};
constexpr std::string_view kIPv6{"\x86\xdd", 2};
// Ethernet, IPv4, 6 and 4 bytes, and the high byte of the operation.
constexpr std::string_view kArpHead{"\0\1\x08\0\6\4\0", 7};

std::string bytesOf(const std::string& mac) {
  std::string bytes;
  for (std::size_t i = 0; i < 6; ++i)
    bytes += static_cast<char>(std::stoul(mac.substr(3 * i, 2), nullptr, 16));
  return bytes;
}
std::string bytesOf(const Address& address) {
  return {reinterpret_cast<const char*>(address.bytes()),
          static_cast<std::size_t>(address.bits() / 8)};
}
const std::string kEverybody(6, '\xff');

std::string arp(char operation, const std::string& mac, const Address& sender,
                const std::string& targetMac, const Address& target) {
  std::string frame = kEverybody + bytesOf(mac);
  frame += kArp;
  frame += kArpHead;
  return frame + operation + bytesOf(mac) + bytesOf(sender) + targetMac + bytesOf(target);
}

// With the checksum over the pseudo header (RFC 8200 8.1) at its place in `message`.
std::string icmpv6(const std::string& mac, const std::string& toMac, const Address& from,
                   const Address& to, std::string message) {
  const std::string length{static_cast<char>(message.size() >> 8),
                           static_cast<char>(message.size())};
  const std::string pseudo = bytesOf(from) + bytesOf(to) + std::string(2, '\0') + length +
                             std::string("\0\0\0\x3a", 4) + message;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < pseudo.size(); i += 2)
    sum += static_cast<std::uint32_t>(static_cast<std::uint8_t>(pseudo[i]) << 8 |
                                      static_cast<std::uint8_t>(pseudo[i + 1]));
  while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
  message[2] = static_cast<char>(~sum >> 8);
  message[3] = static_cast<char>(~sum);
  std::string frame = toMac + bytesOf(mac);
  frame += kIPv6;
  return frame + std::string("\x60\0\0\0", 4) + length + "\x3a\xff" + bytesOf(from) + bytesOf(to) +
         message;
}

std::string neighbourSolicitationFrame(const std::string& mac, const Address& address) {
  // Those who have it listen to ff02::1:ffXX:XXXX (RFC 4291 2.7.1).
  std::string group = bytesOf(Address::parse("ff02::1:ff00:0").value());
  std::copy_n(address.bytes() + 13, 3, group.begin() + 13);
  const Address to =
      Address::fromBytes(Family::IPv6, reinterpret_cast<const std::uint8_t*>(group.data()));
  return icmpv6(mac, std::string("\x33\x33", 2) + group.substr(12), Address::parse("::").value(),
                to, '\x87' + std::string(7, '\0') + bytesOf(address));
}

struct WireSocket {
  Fd fd;
  sockaddr_ll at{};
  std::string mac;
};

// A packet socket belongs to the namespace it is made in.
WireSocket openSocket(const LinkPlan& plan, int netns) {
  WireSocket socket;
  nl::inNamespace(netns, [&] {
    const nl::Socket inside = nl::connect();
    const nl::Link link = nl::find(inside.get(), plan.name);
    if (!link)
      throw Error(Kind::NotFound,
                  fmt::format("context '{}' has no link '{}'", plan.context, plan.name));
    char mac[32];
    socket.mac = nl_addr2str(rtnl_link_get_addr(link.get()), mac, sizeof mac);
    socket.at.sll_family = AF_PACKET;
    socket.at.sll_ifindex = rtnl_link_get_ifindex(link.get());
    socket.fd = Fd(vs::check(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                             "open a packet socket"));
  });
  return socket;
}

void send(const WireSocket& socket, const std::string& frame, const LinkPlan& plan) {
  vs::check(::sendto(socket.fd.get(), frame.data(), frame.size(), 0,
                     reinterpret_cast<const sockaddr*>(&socket.at), sizeof socket.at),
            "announce the addresses of context '{}' on '{}'", plan.context, plan.name);
}

// Is `frame` somebody's word that he has the address?
bool isClaim(const std::string& frame, const Address& address) {
  if (address.family() == Family::IPv4)
    return frame.size() >= 42 && frame.compare(12, 2, kArp) == 0 &&
           frame.compare(28, 4, bytesOf(address)) == 0;
  return frame.size() >= 78 && frame.compare(12, 2, kIPv6) == 0 && frame[20] == '\x3a' &&
         frame[54] == '\x88' && frame.compare(62, 16, bytesOf(address)) == 0;
}

// Whose frame it is.
std::string macOf(const std::string& frame) {
  std::string mac;
  for (std::size_t i = 6; i < 12; ++i)
    mac += fmt::format("{}{:02x}", mac.empty() ? "" : ":", static_cast<std::uint8_t>(frame[i]));
  return mac;
}

}  // namespace

std::string arpRequestFrame(const std::string& mac, const Address& address) {
  return arp(1, mac, address, std::string(6, '\0'), address);
}
std::string arpReplyFrame(const std::string& mac, const Address& address) {
  return arp(2, mac, address, bytesOf(mac), address);
}
std::string neighbourAdvertisementFrame(const std::string& mac, const Address& address) {
  // Type 136 with the override flag, the target, and its MAC address as an option.
  return icmpv6(
      mac, std::string("\x33\x33\0\0\0\1", 6), address, Address::parse("ff02::1").value(),
      std::string("\x88\0\0\0\x20\0\0\0", 8) + bytesOf(address) + "\x02\x01" + bytesOf(mac));
}

void announce(const LinkPlan& plan, int netns) {
  const WireSocket socket = openSocket(plan, netns);
  for (const auto& [address, length] : plan.addresses) {
    if (address.family() == Family::IPv6) {
      send(socket, neighbourAdvertisementFrame(socket.mac, address), plan);
      continue;
    }
    send(socket, arpRequestFrame(socket.mac, address), plan);
    send(socket, arpReplyFrame(socket.mac, address), plan);
  }
}

std::optional<std::string> probe(const LinkPlan& plan, int netns, const Address& address,
                                 Millis time) {
  const WireSocket socket = openSocket(plan, netns);
  sockaddr_ll all = socket.at;
  all.sll_protocol = htons(ETH_P_ALL);
  vs::check(::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&all), sizeof all),
            "listen on '{}'", plan.name);
  const Deadline deadline = deadlineIn(time);
  send(socket,
       address.family() == Family::IPv4
           ? arp(1, socket.mac, Address(), std::string(6, '\0'), address)
           : neighbourSolicitationFrame(socket.mac, address),
       plan);
  while (true) {
    const auto left =
        std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !waitReadable(socket.fd.get(), left)) return std::nullopt;
    char buffer[2048];
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(socket.fd.get(), buffer, sizeof buffer, 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
    const std::string frame(buffer, static_cast<std::size_t>(got));
    if (isClaim(frame, address)) return macOf(frame);
  }
}

}  // namespace vs::netfw
