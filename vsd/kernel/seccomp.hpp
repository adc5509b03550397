// The system calls a context may make, as a table of names, and its compilation (libseccomp) into
// the filter that vsd-guest installs. It is an allow-list: what is not in it answers ENOSYS, so
// that a C library falls back to an older call; what is known to be dangerous answers EPERM. Only
// the native ABI is served: calls of the 32-bit and x32 ABIs answer ENOSYS.
//
// Isolation::System also keeps the context movable: no nested namespace, no bpf object, no io_uring
// or fanotify descriptor can come to be that a checkpoint could not describe.
#pragma once

#include <string>
#include <vector>

#include "vsd/kernel/isolation.hpp"

namespace vs {

// The filter as bytes: an array of struct sock_filter (linux/filter.h). Pure.
std::string compileSeccomp(Isolation isolation);

// The calls that are allowed, with or without conditions on their arguments; names this kernel's
// architecture does not have are left out. Sorted.
std::vector<std::string> allowedCalls(Isolation isolation);

}  // namespace vs
