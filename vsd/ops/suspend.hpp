// suspend and resume: a context's memory to disk and back, its processes and connections as they
// were.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

// What becomes of a suspend when something in the context seems to be in its way.
enum class Obstacles {
  Refuse,
  Try,  // let criu say, while it stands still; only where vsd itself could go on with it
};
// Throws InvalidState when it does not run, Unsupported when this host has no criu, or with
// blockers when something in it cannot be saved.
void checkSuspend(const Host& host, const std::string& name, Obstacles look);
std::vector<std::string> planSuspend(const Host& host, const std::string& name, Obstacles look);
// Afterwards it is suspended; after an error it goes on as before.
void suspend(const Host& host, const std::string& name, Obstacles look, Operation& operation);

struct ResumeOptions {
  bool closeConnections = false;  // of TCP: their other ends are told
};
// Throws InvalidState when it is not suspended.
void checkResume(const Host& host, const std::string& name);
std::vector<std::string> planResume(const Host& host, const std::string& name);
// Afterwards it runs, or stands frozen if it did; after an error it is still suspended.
void resume(const Host& host, const std::string& name, const ResumeOptions& options,
            Operation& operation);

// Its memory is gone afterwards, and it is stopped.
void giveUpMemory(const Host& host, const std::string& name, Operation& operation);

// Lets a context go on whose suspend was cut off before its memory was saved.
void undoSuspend(const Host& host, const std::string& name, bool wasFrozen, Operation& operation);

// Settles what a suspend or resume that was cut off has left of a context. Says whether it stands
// suspended.
bool settleMemory(const Host& host, const std::string& name);

}  // namespace vs
