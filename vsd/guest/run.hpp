// vsd-guest run: the conversation with vsd, the boot, the monitor.
#pragma once

#include <cstdint>
#include <string>

#include "vsd/guest/boot.hpp"

namespace vs::guest {

// What is left of a plan once its context runs.
struct Started {
  RunningContext context;
  std::string stateDirectory;
  std::string consoleLog;
  std::uint64_t consoleLogLimit = 0;
};

// Tells vsd how `start` went, and monitors what it started to its end; returns the exit status.
int monitorStarted(Started (*start)());

// Returns the exit status: 0 when the context has run and its end is recorded.
int runMode();

}  // namespace vs::guest
