// What a context does not see, or sees but cannot change, of /proc and /sys: entries that the
// kernel does not namespace. The table is the union of what runc, moby and systemd-nspawn cover;
// "vproc" to those who knew VServer.
#pragma once

#include "vsd/kernel/isolation.hpp"

namespace vs {

// The default table for a host with `processors` CPUs. Entries a kernel does not have are skipped
// when they are applied. Isolation::Nesting covers nothing with emptiness: a /proc that is hidden
// in part cannot be mounted again by a container inside ("too revealing").
Covers defaultCovers(Isolation isolation, unsigned processors);
// The same for this host.
Covers defaultCovers(Isolation isolation);

}  // namespace vs
