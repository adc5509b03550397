// The user's terminal: raw while a context's terminal is shown on it, and always put back.
#pragma once

#include <sys/ioctl.h>
#include <termios.h>

#include <initializer_list>

#include "vsd/base/fd.hpp"

namespace vs::ctl {

// Raw mode (cfmakeraw(3)) on a terminal until destruction. On anything else it does nothing.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int fd_;
  bool isRaw_ = false;
  termios saved_{};
};

// The size of the terminal on `fd`; 80 x 24 when it has none.
winsize terminalSize(int fd);

// Turns signals into reads (signalfd(2)) until destruction; then they work as before.
class SignalReader {
 public:
  SignalReader(std::initializer_list<int> numbers);
  ~SignalReader();
  SignalReader(const SignalReader&) = delete;
  SignalReader& operator=(const SignalReader&) = delete;

  int fd() const { return fd_.get(); }
  // The number of the next signal; call it when fd() is readable.
  int next();

 private:
  sigset_t saved_{};
  Fd fd_;
};

}  // namespace vs::ctl
