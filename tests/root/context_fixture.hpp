// Real contexts for tests: booted by vsd-guest in a cgroup of their own, with throw-away state.
#pragma once

#include <string>
#include <vector>

#include "vsd/kernel/cgroup.hpp"
#include "vsd/kernel/launch.hpp"

namespace vs::test {

// The plan of a system context as vsd makes it: default devices, covers, confinement, environment
// and what systemd needs in /run. stateDirectory and consoleLog are below `state`.
BootPlan systemPlan(const std::string& name, const std::string& state);

struct Booted {
  StartedGuest guest;
  pid_t init = 0;
};
// Starts vsd-guest, makes the cgroup, boots. What was made is removed again when it fails.
Booted bootPlanned(const GuestProgram& program, const BootPlan& plan, const std::string& root);

// The record in `state`; throws when there is none.
RunningRecord runningIn(const std::string& state);

ExecResult executeIn(const GuestProgram& program, const std::string& name,
                     const RunningRecord& record, const std::string& user,
                     const std::vector<std::string>& argv, Millis time);

}  // namespace vs::test
