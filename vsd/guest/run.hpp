// vsd-guest run: the conversation with vsd, the boot, the monitor.
#pragma once

namespace vs::guest {

// Returns the exit status: 0 when the context has run and its end is recorded.
int runMode();

}  // namespace vs::guest
