// Keeping the monitor small: there is one for every running context.
#pragma once

namespace vs::guest {

// Gives back what only the start needed: free heap, and the pages of the program itself that are
// not in use any more (the few that are come back by themselves).
void releaseStartupMemory() noexcept;

}  // namespace vs::guest
