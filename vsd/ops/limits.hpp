// The limits of a context, as its host can hold them: what a definition wishes, checked against the
// host's controllers and the storage it lies on, and written where it is in force.
#pragma once

#include "vsd/kernel/cgroup.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// Throws Unsupported, naming the limit, when this host has no controller for it, or when the
// storage gives its volumes no block device whose rates could be limited.
void checkLimits(const Host& host, const Definition& definition);

// Writes them for a context whose cgroup stands and whose volume is attached.
void applyLimits(const Host& host, const Definition& definition);

}  // namespace vs
