// Process 1 of a context that runs a single program: it passes signals on to the program, collects
// whatever is orphaned, and ends as the program ends, which ends the context.
#pragma once

#include <sys/types.h>

namespace vs::guest {

// To be called before the program is forked, so that no signal falls between. The kernel drops
// signals that process 1 of a pid namespace neither blocks nor handles (pid_namespaces(7)):
// blocked, all come through to the reaper.
void blockAllSignals() noexcept;

// Exits with the status of `child`, or 128 + the signal that killed it.
[[noreturn]] void reapUntilEndOf(pid_t child) noexcept;

}  // namespace vs::guest
