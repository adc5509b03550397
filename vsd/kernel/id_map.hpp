// User namespaces with a context's id range, and mounts that show a tree with its ids shifted into
// that range (user_namespaces(7), mount_setattr(2) MOUNT_ATTR_IDMAP): on disk a context's files
// carry the ids it sees inside (0..65535), and no chown is ever needed.
#pragma once

#include <sys/types.h>

#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

// The line for /proc/PID/uid_map and gid_map: "0 524288 65536\n". Throws InvalidParameter for a
// range that is empty, starts at host id 0 or leaves the 32-bit ids.
std::string idMapLine(const IdRange& ids);

// Gives the user namespace of `pid` its ids; can be done once per namespace.
void writeIdMaps(pid_t pid, const IdRange& ids);

// A new user namespace with these ids. It lives as long as the descriptor (or a process in it); the
// short-lived child that made it is gone when this returns. Safe in a process with many threads.
Fd makeUserNamespace(const IdRange& ids);

// A detached, private mount of the directory `directory`, without what is mounted below it. To be
// attached with move_mount(2); gone when the descriptor is closed before. The directory must lie in
// the caller's own mount namespace.
Fd detachedMount(int directory);

// Lets a mount that was never attached show its ids 0.. as those of `userNamespace`. Set-user-ID
// files work in it and device nodes do not, whatever the flags of the mount it was taken from.
// Throws Unsupported when the file system cannot be ID-mapped.
void mapMountIds(int mount, int userNamespace);

// Both at once.
Fd idMappedMount(int directory, int userNamespace);

}  // namespace vs
