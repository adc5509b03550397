// suspend and resume: a context's memory to disk and back, its processes and connections as they
// were.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

// Throws InvalidState when it does not run, Unsupported when this host has no criu, or with
// blockers when something in it cannot be saved.
void checkSuspend(const Host& host, const std::string& name);
std::vector<std::string> planSuspend(const Host& host, const std::string& name);
// Afterwards it is suspended; after an error it goes on as before.
void suspend(const Host& host, const std::string& name, Operation& operation);

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
