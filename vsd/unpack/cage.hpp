// The cage in which foreign archives are read and foreign trees are packed (security rule DR9). It
// is entered before the first byte of an archive is looked at, and there is no way back:
//
//   files         the target directory is "/", and there is nothing else; mounted with ids shifted,
//                 nosuid, nodev, noexec; read-only for packing
//   descriptors   0, 1, 2 and the archive
//   user          root of a user namespace of 65,536 ids, never the host's root; capabilities over
//                 files only (CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP), none over the other
//                 namespaces, which belong to the host's
//   namespaces    own mount, pid, network (empty), ipc, uts, cgroup
//   system calls  an allow-list for files and memory (filter.hpp); no new privileges
//   limits        1 GiB of address space, no core file, few descriptors
//
// Ids on the disk are unshifted: what the archive calls uid 0 is uid 0 there, through the ID-mapped
// mount; a security.capability is stored as version 3 with root id 0, which a context's own
// ID-mapped mount turns into its root.
#pragma once

#include "vsd/base/fd.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::unpack {

enum class TreeAccess { Write, Read };

// Forks and cages the child. Returns in the child only, with the archive's descriptor; the parent
// waits for it and exits with its status (or 128 + signal). Throws, in either, when a wall of the
// cage cannot be built.
Fd enterCage(const IdRange& ids, int target, int archive, TreeAccess access);

}  // namespace vs::unpack
