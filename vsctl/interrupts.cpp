#include "vsctl/interrupts.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"

namespace vs::ctl {
namespace {

constexpr int kTold = 2;
std::atomic<int> pressed{0};
std::array<Fd, kTold> events;  // events[i] is written at press i and never read: it stays readable

// Runs in signal context: only an atomic and write(2).
void onInterrupt(int) {
  const int saved = errno;
  const int index = pressed.fetch_add(1);
  const std::uint64_t one = 1;
  if (index < kTold && ::write(events[static_cast<std::size_t>(index)].get(), &one, sizeof one) < 0)
    errno = saved;
  errno = saved;
}

void setHandler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  check(::sigaction(SIGINT, &action, nullptr), "set the handler of SIGINT");
}

}  // namespace

Interrupts::Interrupts() {
  pressed = 0;
  for (Fd& event : events)
    event = Fd(check(::eventfd(0, EFD_CLOEXEC), "create an event descriptor"));
  setHandler(onInterrupt);
}

Interrupts::~Interrupts() {
  std::signal(SIGINT, SIG_DFL);
  for (Fd& event : events) event.reset();
}

int Interrupts::count() const { return pressed; }

int Interrupts::fdAfter(int seen) const {
  return seen < kTold ? events[static_cast<std::size_t>(seen)].get() : -1;
}

}  // namespace vs::ctl
