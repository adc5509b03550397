#include "vsd/unpack/cage.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/unpack/filter.hpp"

namespace vs::unpack {
namespace {

constexpr int kArchiveFd = 3;
constexpr std::uint64_t bit(unsigned capability) { return std::uint64_t{1} << capability; }
constexpr std::uint64_t kCapabilities =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_SETFCAP);

// The mount that will be all there is.
Fd makeTreeMount(int target, int userNamespace, TreeAccess access) {
  Fd tree = idMappedMount(target, userNamespace);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (access == TreeAccess::Read) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  check(::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes),
        "restrict the mount of the target");
  return tree;
}

// Namespaces are unshared before the user namespace is entered: they belong to the host's, so that
// being root in the user namespace gives no power over them.
void leaveHost(const Fd& tree) {
  check(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID |
                  CLONE_NEWCGROUP),
        "unshare the namespaces");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make the mounts private");
  // Any directory will do: the old root is gone a moment later.
  check(::move_mount(tree.get(), "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH),
        "mount the target");
  check(::fchdir(tree.get()), "enter the target");
  check(::syscall(SYS_pivot_root, ".", "."), "make the target the root");
  check(::umount2(".", MNT_DETACH), "let go of the host's root");
  check(::chdir("/"), "enter the new root");
}

[[noreturn]] void waitAndExit(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

// Nothing of the host stays open. The target's own descriptor, above all: ".." of it is the host.
Fd keepOnly(int archive) {
  if (archive != kArchiveFd)
    check(::dup3(archive, kArchiveFd, O_CLOEXEC), "move the archive's descriptor");
  check(::syscall(SYS_close_range, kArchiveFd + 1, ~0U, 0), "close all other descriptors");
  return Fd(kArchiveFd);
}

void enterUserNamespace(int userNamespace) {
  check(::setns(userNamespace, CLONE_NEWUSER), "enter the user namespace");
  check(::setgroups(0, nullptr), "drop the groups");
  check(::setresgid(0, 0, 0), "become group 0 of the user namespace");
  check(::setresuid(0, 0, 0), "become user 0 of the user namespace");
}

void dropCapabilities() {
  for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if ((kCapabilities & bit(capability)) == 0)
      check(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "drop capability {}", capability);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned half = 0; half < 2; ++half)
    data[half].effective = data[half].permitted =
        static_cast<std::uint32_t>(kCapabilities >> (32 * half));
  check(::syscall(SYS_capset, &header, data), "drop capabilities");
}

void setLimits() {
  const auto limit = [](__rlimit_resource resource, rlim_t value) {
    const rlimit both{value, value};
    check(::setrlimit(resource, &both), "set a resource limit");
  };
  limit(RLIMIT_AS, 1U << 30);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 1024);
  limit(RLIMIT_NPROC, 0);
}

// After the last change of ids, which would reset it (prctl(2) PR_SET_PDEATHSIG).
void dieWith(int parent) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "tie the cage to its parent");
  pollfd ended{parent, POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) ::_exit(1);
}

}  // namespace

Fd enterCage(const IdRange& ids, int target, int archive, TreeAccess access) {
  Fd userNamespace = makeUserNamespace(ids);
  Fd parent(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  check(parent.get(), "open a descriptor of this process");
  {
    const Fd tree = makeTreeMount(target, userNamespace.get(), access);
    leaveHost(tree);
  }
  const pid_t child = check(::fork(), "fork into the cage");
  if (child != 0) waitAndExit(child);

  enterUserNamespace(userNamespace.get());
  dropCapabilities();
  check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "forbid tracing");
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
  setLimits();
  dieWith(parent.get());
  // Closed by their owners now: keepOnly() gives their numbers to others.
  userNamespace.reset();
  parent.reset();
  ::umask(0);
  Fd kept = keepOnly(archive);
  loadFilter();
  return kept;
}

}  // namespace vs::unpack
