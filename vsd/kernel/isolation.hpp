// The two walls a context can have, and everything that follows from the choice, as the values a
// boot or exec plan carries. `System` is the default: a full system that stays movable. `Nesting`
// lets the context build containers of its own; it cannot be moved live.
#pragma once

#include "vsd/kernel/boot_plan.hpp"

namespace vs {

enum class Isolation { System, Nesting };

// Seccomp filter, capability bounding set and no_new_privs for everything that runs in the context.
Confinement confinementOf(Isolation isolation);

}  // namespace vs
