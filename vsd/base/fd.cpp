#include "vsd/base/fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "vsd/base/error.hpp"

namespace vs {

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Fd Fd::duplicate() const {
  return Fd(check(::fcntl(fd_, F_DUPFD_CLOEXEC, 3), "duplicate fd {}", fd_));
}

FdPair makePipe() {
  int fds[2];
  check(::pipe2(fds, O_CLOEXEC), "create a pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

FdPair makeSocketPair(int type) {
  int fds[2];
  check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), "create a socket pair");
  return {Fd(fds[0]), Fd(fds[1])};
}

Fd makeSealedFile(std::string_view name, std::string_view bytes) {
  Fd fd(check(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING),
              "create the anonymous file '{}'", name));
  writeAll(fd.get(), bytes, name);
  check(::lseek(fd.get(), 0, SEEK_SET), "rewind '{}'", name);
  check(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
        "seal '{}'", name);
  return fd;
}

std::string readAll(int fd, std::size_t limit, std::string_view what) {
  std::string bytes;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    check(got, "read {}", what);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() > limit)
      throw invalid("{} is larger than {} bytes, which is the most accepted", what, limit);
  }
}

void writeAll(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written, "write {}", what);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sendWithFds(int socket, std::string_view bytes, std::span<const int> fds) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fds.size() > kMaxFds)
    throw invalid("{} descriptors in one message, at most {}", fds.size(), kMaxFds);
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  ssize_t sent;
  do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  check(sent, "send a message");
  if (static_cast<std::size_t>(sent) < bytes.size())
    writeAll(socket, bytes.substr(static_cast<std::size_t>(sent)), "the rest of a message");
}

Received receiveWithFds(int socket, std::size_t limit) {
  Received received;
  received.bytes.resize(limit);
  iovec part{received.bytes.data(), limit};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  check(got, "receive a message");
  received.bytes.resize(static_cast<std::size_t>(got));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      received.fds.emplace_back(fd);
    }
  }
  return received;
}

bool waitReadable(int fd, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wanted{fd, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready < 0 && errno == EINTR) continue;
    return check(ready, "wait for fd {}", fd) > 0;
  }
}

}  // namespace vs
