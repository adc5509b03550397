// The system calls of the cage: reading, writing and naming files that can be reached anyway, and
// memory that cannot be executed. Everything else (sockets, programs, processes, mounts, tracing,
// devices) ends the process at once.
#pragma once

namespace vs::unpack {

// Throws when the kernel does not take the filter.
void loadFilter();

}  // namespace vs::unpack
