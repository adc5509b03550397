#include "vsd/kernel/talk.hpp"

#include <cerrno>
#include <cstring>

#include "vsd/base/error.hpp"

namespace vs {

std::optional<ReceivedTalk> receiveTalk(int socket, Millis time) {
  if (!waitReadable(socket, time))
    throw Error(Kind::TimedOut, fmt::format("vsd-guest said nothing for {}", formatDuration(time)));
  Received received;
  try {
    received = receiveWithFds(socket, sizeof(Talk) + 1);
  } catch (const Error& error) {
    if (error.errnoValue() == ECONNRESET) return std::nullopt;
    throw;
  }
  if (received.bytes.empty()) return std::nullopt;
  if (received.bytes.size() != sizeof(Talk))
    throw invalid("a message of {} bytes, which is none of vsd-guest's", received.bytes.size());
  ReceivedTalk talk;
  std::memcpy(&talk.message, received.bytes.data(), sizeof(Talk));
  if (!received.fds.empty()) talk.fd = std::move(received.fds.front());
  return talk;
}

void sendTalk(int socket, const Talk& message, int fd) {
  const std::string_view bytes(reinterpret_cast<const char*>(&message), sizeof message);
  sendWithFds(socket, bytes, fd < 0 ? std::span<const int>() : std::span<const int>(&fd, 1));
}

}  // namespace vs
