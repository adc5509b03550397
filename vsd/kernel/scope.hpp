// The part systemd plays on a host that runs it: it owns the cgroup tree, so it makes the scope of
// a context (Delegate=yes: it never reaches into it) and knows it as a machine (machinectl). On a
// host without systemd ContextCgroup makes the directories itself and nothing here is called.
#pragma once

#include <sys/types.h>

#include <string>

#include "vsd/base/units.hpp"

namespace vs {

// True when systemd is the system manager (sd_booted(3)).
bool isSystemdHost();

// "vs-NAME.scope"
std::string scopeUnitOf(const std::string& context);

// Makes vs-NAME.scope in vs.slice with the process `pid` in it and returns when it stands. A scope
// of that name left over in state failed is reset first. Throws Exists when it is active, TimedOut
// or Failed with systemd's own words.
void startScope(const std::string& context, pid_t pid, Millis time);

// Stops the scope (its processes get SIGTERM, then SIGKILL) and forgets it. Absent is success.
void stopScope(const std::string& context, Millis time);

struct Machine {
  std::string name;
  std::string uuid;           // text form; becomes the machine's id
  pid_t leader = 0;           // host pid of its init
  std::string rootDirectory;  // host path
};
// Makes the context known to systemd-machined; it forgets it by itself when the scope ends. A
// courtesy to people who use machinectl: nothing depends on it, a failure is logged and ignored.
void registerMachine(const Machine& machine, Millis time);

}  // namespace vs
