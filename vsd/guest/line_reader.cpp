#include "vsd/guest/line_reader.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace vs::guest {
namespace {

int openRegular(const char* path) noexcept {
  open_how how{};
  // O_NONBLOCK: a FIFO in its place must not hold us up.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_NO_MAGICLINKS;
  const auto fd = static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
  struct stat status {};
  if (fd < 0 || (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode))) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

LineReader::LineReader(const char* path) noexcept : fd_(openRegular(path)) {}

LineReader::~LineReader() {
  if (fd_ >= 0) ::close(fd_);
}

// Moves what is left to the front and reads more behind it; false at the end of the file.
bool LineReader::fill() noexcept {
  if (fd_ < 0 || total_ >= kMaxBytes) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  ssize_t got;
  do got = ::read(fd_, buffer_.data() + end_, kSize - 1 - end_);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  end_ += static_cast<std::size_t>(got);
  total_ += static_cast<std::size_t>(got);
  return true;
}

char* LineReader::next() noexcept {
  for (bool skipping = false;;) {
    char* const start = buffer_.data() + begin_;
    auto* newline = static_cast<char*>(std::memchr(start, '\n', end_ - begin_));
    if (newline != nullptr) {
      *newline = '\0';
      begin_ = static_cast<std::size_t>(newline - buffer_.data()) + 1;
      if (!skipping) return start;
      skipping = false;
      continue;
    }
    if (begin_ == 0 && end_ == kSize - 1) {  // a line that does not fit
      skipping = true;
      begin_ = end_;
    }
    if (fill()) continue;
    if (begin_ == end_ || skipping) return nullptr;
    buffer_[end_] = '\0';  // a last line without a newline
    char* const last = buffer_.data() + begin_;
    begin_ = end_;
    return last;
  }
}

}  // namespace vs::guest
