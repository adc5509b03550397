// The file systems of a context that the kernel makes for it: /dev and what is in it, /proc, /sys,
// its cgroup tree, /run. They are made by a process inside all the context's namespaces, so that
// they belong to its user namespace, filled while still detached, and handed to the builder outside
// (root_builder.hpp), which alone decides where they go.
#pragma once

#include "vsd/guest/handshake.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

enum class Filesystem : int { Dev, Pts, Shm, Mqueue, Proc, Sys, Cgroup, Run, Count_ };

// Makes them all and says each on the progress's socket as Note Filesystem, and the master of the
// console's terminal as Note Console. Neither allocates nor throws.
void makeFilesystems(Progress<BootStage>& progress, const BootPlan& plan) noexcept;

}  // namespace vs::guest
