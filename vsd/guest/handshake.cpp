#include "vsd/guest/handshake.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vs::guest {
namespace {

// Room for the one descriptor a note may carry.
struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

bool say(int socket, const Note& note, int fd) noexcept {
  Note sent = note;
  iovec part{&sent, sizeof sent};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t result;
  do result = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  return result == static_cast<ssize_t>(sizeof sent);
}

Note hear(int socket) noexcept {
  Note note;
  iovec part{&note, sizeof note};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t result;
  do result = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (result < 0 && errno == EINTR);
  if (result != static_cast<ssize_t>(sizeof note)) return {};
  note.fd = -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    std::memcpy(&note.fd, CMSG_DATA(header), sizeof note.fd);
  return note;
}

void sayFailedAndExit(int socket, std::uint8_t stage, int errnoValue) noexcept {
  say(socket, {.type = NoteType::Failed, .stage = stage, .value = errnoValue});
  ::_exit(1);
}

void exitSilently() noexcept { ::_exit(1); }

int lastError() noexcept { return errno; }

}  // namespace vs::guest
