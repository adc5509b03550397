#include "vsd/kernel/id_map.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

// The child of makeUserNamespace: keeps the namespace alive until the pipe closes. Between clone
// and exit it only makes system calls: another thread of the parent may have held any lock.
[[noreturn]] void holdUntilClosed(int pipe) {
  ::dup2(pipe, STDIN_FILENO);
  ::syscall(SYS_close_range, STDIN_FILENO + 1, ~0U, 0);
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR) {
  }
  ::_exit(0);
}

void reap(int pidfd) {
  siginfo_t ended{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &ended, WEXITED | __WALL) < 0 &&
         errno == EINTR) {
  }
}

}  // namespace

std::string idMapLine(const IdRange& ids) {
  constexpr std::uint64_t kInvalidId = 0xffffffff;  // (uid_t)-1 is no id
  if (ids.first == 0 || ids.count == 0 || std::uint64_t{ids.first} + ids.count > kInvalidId)
    throw invalid("the id range {}+{} is none a context can have", ids.first, ids.count);
  return fmt::format("0 {} {}\n", ids.first, ids.count);
}

void writeIdMaps(pid_t pid, const IdRange& ids) {
  const std::string line = idMapLine(ids);
  writeExisting(fmt::format("/proc/{}/uid_map", pid), line);
  writeExisting(fmt::format("/proc/{}/gid_map", pid), line);
}

Fd makeUserNamespace(const IdRange& ids) {
  FdPair pipe = makePipe();
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_NEWUSER | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  // No exit signal: a SIGCHLD handler or waitpid(-1) elsewhere in the process never sees this
  // child.
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) holdUntilClosed(pipe.first.get());
  check(pid, "create a user namespace");
  const Fd process(pidfd);
  try {
    Fd space = openFile(fmt::format("/proc/{}/ns/user", pid), O_RDONLY);
    writeIdMaps(static_cast<pid_t>(pid), ids);
    pipe.second.reset();
    reap(process.get());
    return space;
  } catch (...) {
    pipe.second.reset();
    reap(process.get());
    throw;
  }
}

Fd detachedMount(int directory) {
  Fd mount(check(::open_tree(directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH),
                 "copy the mount of a root file system"));
  // The copy is of the same peer group as its origin, and systemd makes all mounts shared: what is
  // mounted in it would appear on the host, and pivot_root(2) refuses it (EINVAL).
  mount_attr attributes{};
  attributes.propagation = MS_PRIVATE;
  check(::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes),
        "make the mount of a root file system private");
  return mount;
}

void mapMountIds(int mount, int userNamespace) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV;
  attributes.attr_clr = MOUNT_ATTR_NOSUID;
  attributes.userns_fd = static_cast<std::uint64_t>(userNamespace);
  if (::mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return;
  const int saved = errno;
  if (saved == EINVAL)
    throw Error(Kind::Unsupported, "the file system of the root cannot be ID-mapped", saved)
        .withHint("keep contexts on ext4, xfs or btrfs");
  throw systemError(saved, "map the ids of a root file system");
}

Fd idMappedMount(int directory, int userNamespace) {
  Fd mount = detachedMount(directory);
  mapMountIds(mount.get(), userNamespace);
  return mount;
}

}  // namespace vs
