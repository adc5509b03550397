// Connections over the loopback link, with bytes on their way in both directions.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

Address loopback(int family) {
  Address address;
  if (family == AF_INET) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&address.bytes, &four, address.size = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    std::memcpy(&address.bytes, &six, address.size = sizeof six);
  }
  return address;
}

Address nameOf(int socket) {
  Address address;
  address.size = sizeof address.bytes;
  must(::getsockname(socket, reinterpret_cast<sockaddr*>(&address.bytes), &address.size),
       "ask for an address");
  return address;
}

int bound(int family, int type) {
  const int socket = must(::socket(family, type, 0), "make a socket");
  const Address address = loopback(family);
  must(::bind(socket, address.get(), address.size), "bind");
  return socket;
}

// One end of a connection: numbered bytes out, numbered bytes in, never all that there are.
class End {
 public:
  explicit End(int socket) : socket_(socket) { ::fcntl(socket, F_SETFL, O_NONBLOCK); }
  void send() {
    std::uint8_t bytes[1500];
    for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = byteAt(sent_ + i);
    const ssize_t count = ::send(socket_, bytes, sizeof bytes, 0);
    must(count > 0 || errno == EAGAIN, "send on a connection");
    if (count > 0) sent_ += static_cast<std::uint64_t>(count);
  }
  void receive() {
    std::uint8_t bytes[1400];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    must(count > 0 || (count < 0 && errno == EAGAIN), "receive on a connection");
    for (ssize_t i = 0; i < count; ++i)
      must(bytes[i] == byteAt(received_ + static_cast<std::uint64_t>(i)),
           "a connection has lost or changed bytes");
    if (count > 0) received_ += static_cast<std::uint64_t>(count);
  }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }

 private:
  int socket_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

void tcp(const std::string&, const std::function<void()>& ready) {
  struct Connection {
    int listener;
    Address address;
    int client;
    int server;
  };
  const auto connect = [](int family) {
    Connection made{bound(family, SOCK_STREAM), {}, -1, -1};
    must(::listen(made.listener, 8), "listen");
    made.address = nameOf(made.listener);
    made.client = must(::socket(family, SOCK_STREAM, 0), "make a socket");
    must(::connect(made.client, made.address.get(), made.address.size), "connect");
    made.server = must(::accept(made.listener, nullptr, nullptr), "accept");
    return made;
  };
  const Connection four = connect(AF_INET);
  const Connection six = connect(AF_INET6);
  End ends[] = {End(four.client), End(four.server), End(six.client), End(six.server)};
  ready();
  int turn = 0;
  repeat(2, [&] {
    for (End& end : ends) {
      end.send();
      // A third of the time nobody reads, so that the queues are never empty for long.
      if (turn % 3 != 0) end.receive();
    }
    if (++turn % 20 != 0) return;
    for (const Connection& old : {four, six}) {
      const int client = must(::socket(old.address.bytes.ss_family, SOCK_STREAM, 0), "socket");
      must(::connect(client, old.address.get(), old.address.size), "connect to a listening socket");
      ::close(must(::accept(old.listener, nullptr, nullptr), "accept"));
      ::close(client);
    }
  });
  for (int i = 0; i < 100'000 &&
                  (ends[0].received() != ends[1].sent() || ends[1].received() != ends[0].sent() ||
                   ends[2].received() != ends[3].sent() || ends[3].received() != ends[2].sent());
       ++i) {
    for (End& end : ends) end.receive();
    if (i % 100 == 99) pauseFor(10);
  }
  must(ends[0].received() == ends[1].sent() && ends[1].received() == ends[0].sent(),
       "bytes have not arrived");
  must(ends[2].received() == ends[3].sent() && ends[3].received() == ends[2].sent(),
       "bytes have not arrived over IPv6");
}

void udp(const std::string&, const std::function<void()>& ready) {
  const int a = bound(AF_INET, SOCK_DGRAM);
  const int b = bound(AF_INET6, SOCK_DGRAM);
  const Address toA = nameOf(a), toB = nameOf(b);
  const int four = must(::socket(AF_INET, SOCK_DGRAM, 0), "make a socket");
  const int six = must(::socket(AF_INET6, SOCK_DGRAM, 0), "make a socket");
  must(::connect(four, toA.get(), toA.size), "connect");
  // What lies unread in a socket is lost when it is saved, as datagrams may be; sockets go on.
  int lost = 0;
  const auto receive = [&lost](int socket, std::uint64_t number) {
    std::uint64_t got = 0;
    for (int i = 0; i < 20; ++i) {
      pollfd readable{socket, POLLIN, 0};
      if (::poll(&readable, 1, 100) <= 0) continue;
      const ssize_t count = ::recv(socket, &got, sizeof got, MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      must(count == sizeof got, "receive a datagram");
      if (got == number) return;
    }
    must(++lost < 20, "no datagram arrives any more");
  };
  std::uint64_t number = 0;
  ready();
  repeat(5, [&] {
    ++number;
    must(::send(four, &number, sizeof number, 0), "send");
    receive(a, number);
    must(::sendto(six, &number, sizeof number, 0, toB.get(), toB.size), "send over IPv6");
    receive(b, number);
  });
  const int before = lost;
  must(::send(four, &number, sizeof number, 0), "send");
  receive(a, number);
  must(lost == before, "the last datagram has not arrived");
}

}  // namespace vs::workload
