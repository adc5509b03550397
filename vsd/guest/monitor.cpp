#include "vsd/guest/monitor.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "vsd/base/error.hpp"
#include "vsd/guest/records.hpp"

namespace vs::guest {
namespace {

enum Tag : std::uint32_t { kInit, kSignals, kConsole };

void watch(int epoll, int fd, Tag tag) {
  epoll_event event{.events = EPOLLIN, .data = {.u32 = tag}};
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "watch a descriptor");
}

void handleSignals(int signals, const Process& init) {
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) init.signal(SIGKILL);
}

int reap(const Process& init) {
  int status = 0;
  while (::waitpid(init.pid(), &status, 0) < 0)
    if (errno != EINTR) throw systemError(errno, "wait for the init");
  return status;
}

}  // namespace

Fd holdSignals() {
  sigset_t all;
  ::sigfillset(&all);
  check(::sigprocmask(SIG_SETMASK, &all, nullptr), "block signals");
  return Fd(check(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "receive signals"));
}

void monitor(RunningContext context, Console& console, const Fd& signals,
             const std::string& stateDirectory) {
  const Fd epoll(check(::epoll_create1(EPOLL_CLOEXEC), "create an epoll instance"));
  watch(epoll.get(), context.init.fd(), kInit);
  watch(epoll.get(), signals.get(), kSignals);
  console.watch(epoll.get(), kConsole);
  for (bool ended = false; !ended;) {
    epoll_event events[8];
    const int count = ::epoll_wait(epoll.get(), events, 8, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint32_t tag = events[i].data.u32;
      if (tag == kInit)
        ended = true;
      else if (tag == kSignals)
        handleSignals(signals.get(), context.init);
      else
        console.handle(tag);
    }
  }
  const int status = reap(context.init);
  console.drain();
  writeEnded(stateDirectory, status);
}

}  // namespace vs::guest
