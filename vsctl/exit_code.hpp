// The exit codes of vsctl, as the man page lists them.
#pragma once

#include "vsd/base/error.hpp"

namespace vs::ctl {

enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,
  kUsage = 2,
  kNotFound = 3,
  kExists = 4,
  kBusy = 5,
  kTimedOut = 10,
  kDenied = 11,
  kExecFailed = 125,       // exec: vsctl or vsd failed, not the program
  kExecNotRunnable = 126,  // exec: the program was found but could not be started
  kExecNotFound = 127,     // exec: there is no such program
  kInterrupted = 130,      // the user left; the operation goes on
};

ExitCode exitCodeFor(Kind kind);

}  // namespace vs::ctl
