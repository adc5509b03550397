// What vsd-guest does for the life of a context: parent of its init, keeper of its console, and
// witness of its end.
#pragma once

#include "vsd/guest/boot.hpp"
#include "vsd/guest/console.hpp"

namespace vs::guest {

// From here on signals wait to be read by monitor(): one that comes during the start is not lost,
// and does not end vsd-guest without a trace. Returns where they are read.
Fd holdSignals();

// Returns when the init has ended: its end is recorded. SIGTERM and SIGINT kill the init.
void monitor(RunningContext context, Console& console, const Fd& signals,
             const std::string& stateDirectory);

}  // namespace vs::guest
