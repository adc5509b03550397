// exec and console: connecting a client with a running context. The talk itself is between the
// client and vsd-guest and goes on when vsd does not.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/kernel/boot_plan.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

struct ExecRequest {
  std::string context;
  ExecPlan plan;            // its confinement is filled in here
  Fd talk;                  // SOCK_SEQPACKET, the client's other end
  std::array<Fd, 3> stdio;  // without a terminal
};

// Starts the session and returns the helper's pid. Throws NotFound, InvalidState (not running),
// InvalidParameter (descriptors of a wrong kind).
pid_t exec(const Host& host, const ExecRequest& request);

// A socket to the console of a running context.
Fd openConsole(const Host& host, const std::string& name);

// The newest `lines` lines of its console output (all that is kept when 0), and where it ended.
struct LogPart {
  std::string text;
  std::uint64_t end = 0;  // position in the current log file
};
LogPart readLog(const Host& host, const std::string& name, std::size_t lines);
// What was written since `from`; starts over when the log was rotated in between.
LogPart readLogFrom(const Host& host, const std::string& name, std::uint64_t from);

}  // namespace vs
