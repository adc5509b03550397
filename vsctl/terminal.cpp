#include "vsctl/terminal.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "vsd/base/error.hpp"

namespace vs::ctl {

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  if (::tcgetattr(fd_, &saved_) < 0) return;
  termios raw = saved_;
  ::cfmakeraw(&raw);
  check(::tcsetattr(fd_, TCSANOW, &raw), "set the terminal to raw mode");
  isRaw_ = true;
}

// TCSADRAIN: what was printed last still gets out in raw mode.
RawTerminal::~RawTerminal() {
  if (isRaw_) ::tcsetattr(fd_, TCSADRAIN, &saved_);
}

winsize terminalSize(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
    return {24, 80, 0, 0};
  return size;
}

SignalReader::SignalReader(std::initializer_list<int> numbers) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : numbers) sigaddset(&wanted, number);
  check(::sigprocmask(SIG_BLOCK, &wanted, &saved_), "block signals");
  fd_ = Fd(check(::signalfd(-1, &wanted, SFD_CLOEXEC), "read signals from a descriptor"));
}

SignalReader::~SignalReader() { ::sigprocmask(SIG_SETMASK, &saved_, nullptr); }

int SignalReader::next() {
  signalfd_siginfo info{};
  check(::read(fd_.get(), &info, sizeof info), "read a signal");
  return static_cast<int>(info.ssi_signo);
}

}  // namespace vs::ctl
