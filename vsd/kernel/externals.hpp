// The mounts of a context that a checkpoint leaves out and a restore takes from its own host: by
// keys that say nothing of a path of the host, and only those of this list (DR3).
#pragma once

#include <vector>

#include "vsd/kernel/boot_plan.hpp"

namespace vs {

// Devices, the covers that are a mount of their own, and the cgroup tree. Those of `covers` that a
// kernel does not have are of no effect.
std::vector<ExternalMount> externalMounts(const std::vector<DeviceNode>& devices,
                                          const Covers& covers);

}  // namespace vs
