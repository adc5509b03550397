// vsd-guest resume: the monitor of a context whose processes criu restores.
//
//   vsd-guest     host's namespaces, monitor/ cgroup; from here on as after a start
//    ├ criu       payload/ cgroup and the cgroup namespace that shows it, in its cage
//    └ init       made by criu as our child (CLONE_PARENT), with all that was below it
//
// What an image says decides nothing here: where processes begin, and what is mounted from outside,
// is the plan's.
#pragma once

namespace vs::guest {

// Returns the exit status: 0 when the context has run and its end is recorded.
int resumeMode();

}  // namespace vs::guest
