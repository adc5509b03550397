// From what a context is to be to what vsd-guest has to do: pure functions, no kernel in sight.
#pragma once

#include <string>

#include "vsd/context/definition.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

struct BootPlaces {
  std::string stateDirectory;
  std::string consoleLog;
  Bytes consoleLogLimit;
};

// The plan of a start. `confinement` and the tables are added by the caller from vsd/kernel, so
// that this stays a plain function of the definition.
BootPlan bootPlanFor(const Definition& definition, const BootPlaces& places);

// What stock systemd needs on the context's own /run, before its init starts, to reach `running` in
// a user namespace and to stay movable: drop-ins that switch off what the isolation forbids anyway,
// and masks of units that cannot work there. The root file system stays as it is.
std::vector<RunFile> systemdRunFiles();

// The signal that asks an init to shut down cleanly, and what a running context's init is told.
int stopSignalOf(Init init);

}  // namespace vs
