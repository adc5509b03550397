// suspend: a context's memory to disk, its processes and connections as they were (resume.hpp).
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/dump.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

// Throw as checkDump.
std::vector<std::string> planSuspend(const Host& host, const std::string& name, Obstacles look);
// Afterwards it is suspended; after an error it goes on as before.
void suspend(const Host& host, const std::string& name, Obstacles look, Operation& operation);

// Its memory is gone afterwards, and it is stopped.
void giveUpMemory(const Host& host, const std::string& name, Operation& operation);

// Lets a context go on whose memory was being saved by a vsd that has ended, when that came to
// nothing.
void letGoOn(const Host& host, const std::string& name, bool wasFrozen, Operation& operation);

// Settles what a suspend or resume that was cut off has left of a context. Says whether it stands
// suspended.
bool settleMemory(const Host& host, const std::string& name);

}  // namespace vs
