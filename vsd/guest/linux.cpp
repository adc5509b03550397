#include "vsd/guest/linux.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace vs::guest {

Cloned cloneProcess(std::uint64_t flags, int cgroup) noexcept {
  Cloned cloned;
  clone_args args{};
  args.flags = flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&cloned.pidfd);
  // With CLONE_PARENT the exit signal is the caller's own; the kernel refuses another.
  if ((flags & CLONE_PARENT) == 0) args.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  cloned.pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  return cloned;
}

int newFilesystem(const char* type, std::span<const MountOption> options,
                  unsigned attributes) noexcept {
  const int context = ::fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int result = ::fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0);
  for (const MountOption& option : options)
    if (result == 0) result = ::fsconfig(context, FSCONFIG_SET_STRING, option.key, option.value, 0);
  if (result == 0) result = ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result == 0) result = ::fsmount(context, FSMOUNT_CLOEXEC, attributes);
  const int saved = errno;
  ::close(context);
  errno = saved;
  return result;
}

int copyMount(int directory, const char* path) noexcept {
  const unsigned here = *path == '\0' ? AT_EMPTY_PATH : 0;
  return ::open_tree(directory, path,
                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | here);
}

int addAttributes(int mount, std::uint64_t attributes) noexcept {
  mount_attr wanted{};
  wanted.attr_set = attributes;
  return ::mount_setattr(mount, "", AT_EMPTY_PATH, &wanted, sizeof wanted);
}

int attachMount(int mount, int target) noexcept {
  return ::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int openPlain(int directory, const char* path, int flags, Crossing crossing) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  if (crossing == Crossing::Forbidden) how.resolve |= RESOLVE_NO_XDEV;
  return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int checkPtmx(int ptmx) noexcept {
  struct stat node {};
  struct statfs system {};
  if (::fstat(ptmx, &node) < 0 || ::fstatfs(ptmx, &system) < 0) return -1;
  if (S_ISCHR(node.st_mode) && node.st_rdev == makedev(5, 2) && node.st_ino == 2 &&
      system.f_type == DEVPTS_SUPER_MAGIC)
    return 0;
  errno = ENODEV;
  return -1;
}

int prepareTerminal(int master) noexcept {
  const int unlocked = 0;
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::ioctl(master, TIOCSPTLCK, &unlocked) < 0) return -1;
  return ::ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace vs::guest
