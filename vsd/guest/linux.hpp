// System calls in the shape vsd-guest needs them: nothing here allocates or throws, so all of it
// may be used between clone and exec. Each returns what the kernel returned, -1 with errno on
// failure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

namespace vs::guest {

struct Cloned {
  pid_t pid = -1;  // 0 in the child, -1 on failure
  int pidfd = -1;
};
// clone3(2) as a fork: a copy of this (single-threaded) process with new namespaces `flags`. With a
// cgroup directory the child is born in it (CLONE_INTO_CGROUP), which is far cheaper than moving.
Cloned cloneProcess(std::uint64_t flags, int cgroup = -1) noexcept;

struct MountOption {
  const char* key;
  const char* value;
};
// A new file system instance as a detached mount (fsopen, fsconfig, fsmount). `attributes` are
// MOUNT_ATTR_* of mount_setattr(2). Its source reads as its type.
int newFilesystem(const char* type, std::span<const MountOption> options,
                  unsigned attributes) noexcept;
// A detached copy of the mount of `path` below `directory` ("" is `directory` itself), without what
// is mounted below it.
int copyMount(int directory, const char* path) noexcept;
int addAttributes(int mount, std::uint64_t attributes) noexcept;
// Attaches a detached mount onto what `target` refers to: no path is walked.
int attachMount(int mount, int target) noexcept;

// openat2(2) for O_PATH: never through a symbolic link, never out of `directory`.
enum class Crossing { Allowed, Forbidden };  // of mount points on the way
int openPlain(int directory, const char* path, int flags, Crossing crossing) noexcept;

// The ptmx that `ptmx` refers to must be a devpts's own (inode 2, device 5:2); returns 0, or -1
// with errno ENODEV.
int checkPtmx(int ptmx) noexcept;
// Lets the other side of a new terminal be opened, at 80 columns and 24 rows.
int prepareTerminal(int master) noexcept;

}  // namespace vs::guest
