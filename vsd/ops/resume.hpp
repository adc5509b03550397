// resume: a context goes on from its memory, its processes and connections as they were.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

struct ResumeOptions {
  bool closeConnections = false;  // of TCP: their other ends are told
};
// Throws InvalidState when it is not suspended.
void checkResume(const Host& host, const std::string& name);
std::vector<std::string> planResume(const Host& host, const std::string& name);
// Afterwards it runs, or stands frozen if it did; after an error it is still suspended.
void resume(const Host& host, const std::string& name, const ResumeOptions& options,
            Operation& operation);

}  // namespace vs
