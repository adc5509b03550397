#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <array>
#include <chrono>
#include <cstdlib>

#include "tests/attack/vsprobe.hpp"

namespace vs::probe {
namespace {

sockaddr_ll placeOf(const char* device, int protocol) {
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
  place.sll_ifindex = static_cast<int>(::if_nametoindex(device));
  return place;
}

std::string bytesOf(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16));
  return bytes;
}

}  // namespace

void frame(const char* device, const char* hex) {
  const int socket = ::socket(AF_PACKET, SOCK_RAW, 0);
  if (socket < 0) return say("socket", answerTo(socket));
  const sockaddr_ll place = placeOf(device, 0);
  const std::string bytes = bytesOf(hex);
  say("frame", answerTo(::sendto(socket, bytes.data(), bytes.size(), 0,
                                 reinterpret_cast<const sockaddr*>(&place), sizeof place)));
  ::close(socket);
}

void listen(const char* device, int seconds) {
  const int socket = ::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const sockaddr_ll place = placeOf(device, ETH_P_ALL);
  if (socket < 0 || ::bind(socket, reinterpret_cast<const sockaddr*>(&place), sizeof place) < 0)
    return say("socket", answerTo(-1));
  say("listening", "ok");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    pollfd ready{socket, POLLIN, 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    std::array<unsigned char, 2048> buffer;
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(socket, buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
    std::string hex;
    for (ssize_t i = 0; i < got; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex += kDigits[buffer[static_cast<std::size_t>(i)] >> 4];
      hex += kDigits[buffer[static_cast<std::size_t>(i)] & 15];
    }
    say("frame", hex);
  }
}

void flood(const char* address, int count) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &to.sin_addr);
  int sent = 0;
  for (int i = 0; i < count; ++i) {
    // Each from a port of its own: to whoever remembers exchanges it is a new one.
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_port = htons(static_cast<std::uint16_t>(1 + i % 60'000));
    if (::sendto(socket, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 1) ++sent;
    ::close(socket);
  }
  say("sent", std::to_string(sent));
}

}  // namespace vs::probe
