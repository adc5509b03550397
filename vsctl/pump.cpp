#include "vsctl/pump.hpp"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace vs::ctl {
namespace {

constexpr std::size_t kBufferSize = 64U << 10;
// A pipe that is ready for writing has room for PIPE_BUF bytes at least (pipe(7)).
constexpr std::size_t kSafeWrite = PIPE_BUF;

bool isRegularFile(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Pump::Pump(int from, int to, OnEnd onEnd)
    : from_(from), to_(to), onEnd_(std::move(onEnd)), sinkIsFile_(isRegularFile(to)) {}

pollfd Pump::wantedSource() const {
  const bool wanted = !done_ && !sourceEnded_ && buffer_.empty();
  return {wanted ? from_ : -1, POLLIN, 0};
}

// Without bytes to write, the sink is still watched for its reader going away.
pollfd Pump::wantedSink() const {
  if (done_) return {-1, 0, 0};
  return {to_, static_cast<short>(buffer_.empty() ? 0 : POLLOUT), 0};
}

void Pump::advance(const pollfd& source, const pollfd& sink) {
  if (done_) return;
  if (source.revents != 0) fill();
  if ((sink.revents & (POLLERR | POLLNVAL)) != 0) return end();
  // What was just read is written by the next round, when poll says that there is room.
  if (!buffer_.empty() && (sink.revents & POLLOUT) != 0)
    flush();
  else if ((sink.revents & POLLHUP) != 0)
    end();
  if (sourceEnded_ && buffer_.empty()) end();
}

void Pump::fill() {
  buffer_.resize(kBufferSize);
  const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
  const bool isTransient = got < 0 && (errno == EAGAIN || errno == EINTR);
  // A terminal's master reports EIO when the last program on it is gone.
  if (got <= 0 && !isTransient) sourceEnded_ = true;
  buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  written_ = 0;
}

void Pump::flush() {
  const std::size_t left = buffer_.size() - written_;
  const ssize_t done =
      ::write(to_, buffer_.data() + written_, sinkIsFile_ ? left : std::min(left, kSafeWrite));
  if (done < 0 && errno != EAGAIN && errno != EINTR) return end();
  if (done > 0) written_ += static_cast<std::size_t>(done);
  if (written_ == buffer_.size()) buffer_.clear();
}

void Pump::drain() {
  while (!done_) {
    while (!done_ && !buffer_.empty()) {
      pollfd sink{to_, POLLOUT, 0};
      ::poll(&sink, 1, -1);
      flush();
    }
    pollfd source{from_, POLLIN, 0};
    if (done_ || sourceEnded_ || ::poll(&source, 1, 0) <= 0) return;
    fill();
  }
}

void Pump::end() {
  done_ = true;
  buffer_.clear();
  if (onEnd_) onEnd_();
}

}  // namespace vs::ctl
