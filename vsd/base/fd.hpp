// An owned file descriptor, and the few things done to descriptors everywhere: whole reads and
// writes, pairs, and passing them over a unix socket. Every descriptor made here is close-on-exec.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vs {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);  // ours is closed when `other` goes
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();
  // A second descriptor of the same open file.
  Fd duplicate() const;

 private:
  int fd_ = -1;
};

struct FdPair {
  Fd first;   // read end of a pipe
  Fd second;  // write end of a pipe
};

FdPair makePipe();
// An AF_UNIX pair; `type` is SOCK_STREAM or SOCK_SEQPACKET.
FdPair makeSocketPair(int type);

// A sealed, read-only, anonymous file holding `bytes`, positioned at its start (memfd_create(2)).
Fd makeSealedFile(std::string_view name, std::string_view bytes);

// Reads to the end of file. Throws InvalidParameter naming `what` when there are more than `limit`
// bytes.
std::string readAll(int fd, std::size_t limit, std::string_view what);
// Writes everything or throws.
void writeAll(int fd, std::string_view bytes, std::string_view what);

// Sends one message with descriptors attached (SCM_RIGHTS, unix(7)); at most kMaxFds.
inline constexpr std::size_t kMaxFds = 8;
void sendWithFds(int socket, std::string_view bytes, std::span<const int> fds);

struct Received {
  std::string bytes;  // empty: the other side has closed
  std::vector<Fd> fds;
};
// Receives one message of at most `limit` bytes.
Received receiveWithFds(int socket, std::size_t limit);

// True when `fd` becomes readable (or its peer hangs up) before the time is over.
bool waitReadable(int fd, std::chrono::milliseconds time);

}  // namespace vs
