#include "vsd/guest/reaper.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace vs::guest {
namespace {

// Collects all that has ended; exits when `child` is among it.
void collect(pid_t child) noexcept {
  int status = 0;
  for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended != child) continue;
    ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

}  // namespace

void blockAllSignals() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

void reapUntilEndOf(pid_t child) noexcept {
  // Our executable is the host's copy of vsd-guest: nobody inside may look at it through /proc.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NAME, "vsd-reaper", 0, 0, 0);
  sigset_t all;
  ::sigfillset(&all);
  for (;;) {
    collect(child);
    const int number = ::sigwaitinfo(&all, nullptr);
    if (number > 0 && number != SIGCHLD) ::kill(child, number);
  }
}

}  // namespace vs::guest
