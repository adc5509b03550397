#include "vsd/guest/confine.hpp"

#include <grp.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "vsd/kernel/capabilities.hpp"

namespace vs::guest {
namespace {

int errnoOf(long result) noexcept { return result < 0 ? errno : 0; }

}  // namespace

int leaveKeyring() noexcept {
  const int problem = errnoOf(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr));
  return problem == ENOSYS ? 0 : problem;  // a kernel without keys has none to reach
}

int installFilter(const Confinement& confinement) noexcept {
  if (confinement.noNewPrivileges)
    if (const int problem = errnoOf(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); problem != 0)
      return problem;
  if (confinement.seccomp.empty()) return 0;
  const sock_fprog program{
      static_cast<unsigned short>(confinement.seccomp.size() / sizeof(sock_filter)),
      reinterpret_cast<sock_filter*>(const_cast<char*>(confinement.seccomp.data()))};
  return errnoOf(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

// The raw calls: those of the C library would also speak to its other threads, of which there are
// none.
int becomeRoot() noexcept {
  if (const int problem = errnoOf(::syscall(SYS_setgroups, 0, nullptr)); problem != 0)
    return problem;
  if (const int problem = errnoOf(::syscall(SYS_setresgid, 0, 0, 0)); problem != 0) return problem;
  return errnoOf(::syscall(SYS_setresuid, 0, 0, 0));
}

int takeIdentity(const Identity& identity, std::uint64_t capabilities) noexcept {
  if (const int problem = limitBoundingSet(capabilities); problem != 0) return problem;
  if (const int problem = errnoOf(::syscall(SYS_setgroups, identity.groupCount, identity.groups));
      problem != 0)
    return problem;
  if (const int problem =
          errnoOf(::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid));
      problem != 0)
    return problem;
  if (const int problem =
          errnoOf(::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid));
      problem != 0)
    return problem;
  return setCapabilities(identity.uid == 0 ? capabilities : 0);
}

int closeFrom(int first, int spare) noexcept {
  if (spare < first) return errnoOf(::syscall(SYS_close_range, first, ~0U, 0));
  if (spare > first)
    if (const int problem = errnoOf(::syscall(SYS_close_range, first, spare - 1, 0)); problem != 0)
      return problem;
  return errnoOf(::syscall(SYS_close_range, spare + 1, ~0U, 0));
}

void resetSignals() noexcept {
  // By the system call: signal(3) refuses 32 and 33, which glibc keeps for itself and
  // posix_spawn(3) leaves ignored in its children (so after make, say).
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    std::uint64_t mask;
  } byDefault{};
  for (int number = 1; number < _NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, &byDefault, nullptr, sizeof byDefault.mask);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace vs::guest
