// What vsd-guest does for the life of a context: parent of its init, keeper of its console, and
// witness of its end.
#pragma once

#include "vsd/guest/boot.hpp"
#include "vsd/guest/console.hpp"

namespace vs::guest {

// Returns when the init has ended: its end is recorded and the console's socket is gone. SIGTERM
// and SIGINT kill the init.
void monitor(RunningContext context, Console& console, const std::string& stateDirectory);

}  // namespace vs::guest
