// What criu has made of an image, held against what its context may be, while nothing of it runs
// (DR2): an image never decides what a task may do.
#pragma once

#include "vsd/ops/host.hpp"

namespace vs {

// Every task of a context that stands frozen. Throws Denied, naming the first one that could do
// more than a task that was started here, and what.
void verifyTasks(const Host& host, const Definition& definition, pid_t init);

}  // namespace vs
