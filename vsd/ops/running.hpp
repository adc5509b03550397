// The running half of a context on this host: its processes, cgroup and run directory, as they are
// found by its name. Shared by the verbs; each function may be repeated without harm.
#pragma once

#include <memory>
#include <string>

#include "vsd/kernel/cgroup.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

ContextCgroup cgroupOf(const Host& host, const std::string& name);

// Something of a run is there: its cgroup or its run directory.
bool hasRemains(const Host& host, const std::string& name);

// What vsd-guest wrote of a running context, held against the living processes; null when its guest
// or its init is gone (or the record is of an earlier boot).
std::shared_ptr<const RunningContext> findRunning(const Host& host, const std::string& name);

struct End {
  State state = State::Stopped;  // Failed when it ended with an error of its own
  bool wantsReboot = false;
  std::string text;  // "exited 0", "killed by signal 9", "powered off"
};
// How it ended last, from what vsd-guest wrote; "its monitor was lost" without that.
End howItEnded(const Host& host, const std::string& name);

// Kills what is left of it and removes cgroup, run directory and attachment. Absent is success.
void cleanUpRun(const Host& host, const std::string& name);

// What a session needs to enter a running context, held open for as long as one is being started.
class ExecPlaces {
 public:
  ExecPlaces(const Host& host, const ContextPicture& context);
  ExecSession session() const;

 private:
  std::shared_ptr<const RunningContext> running_;
  Fd group_;
  Fd monitor_;
};

// A short program run inside, bounded in time. Throws InvalidState when it does not run.
ExecResult runInContext(const Host& host, const std::string& name,
                        const std::vector<std::string>& argv, Millis time);
// What its systemd says of itself ("running", "degraded", "starting"); empty when it does not say.
std::string systemStateOf(const Host& host, const std::string& name, Millis time);

}  // namespace vs
