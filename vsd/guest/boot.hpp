// The start of a context as seen from outside it: clone, id maps, the mount tree, the record, and
// the moment it runs. An ordered list; each step's place in it is explained where it is not
// obvious.
#pragma once

#include <functional>

#include "vsd/base/fd.hpp"
#include "vsd/base/process.hpp"
#include "vsd/guest/init_process.hpp"

namespace vs::guest {

struct RunningContext {
  Process init;
  Fd console;  // master of its terminal
};

// Where a boot failed; `error` says it in words.
struct BootFailure {
  BootStage stage;
  int errnoValue;
};

// Boots `prepared` from the root file system directory `root` in the cgroup `payload`. `connect` is
// called with the pid of its init before that runs, when the plan has links. Throws BootFailure,
// and then nothing of the context is left.
RunningContext boot(const PreparedPlan& prepared, int root, int payload,
                    const std::function<void(pid_t init)>& connect);

}  // namespace vs::guest
