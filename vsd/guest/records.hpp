// The two files of a context's state directory by which vsd, restarted or not, knows how it stands.
#pragma once

#include <sys/types.h>

#include <string>

namespace vs::guest {

// stateDirectory/running, for the init with host pid `init` and this process as its guest.
void writeRunning(const std::string& stateDirectory, pid_t init);
// stateDirectory/ended, from the wait status of the init.
void writeEnded(const std::string& stateDirectory, int waitStatus);

}  // namespace vs::guest
