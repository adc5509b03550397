// The cgroup v2 tree of one context, found by its name and removed twice without harm:
//
//   ROOT/vs.slice/vs-NAME.scope/      made by us, or by systemd as a delegated scope (scope.hpp)
//     monitor/                        vsd-guest and the parents of exec sessions
//     payload/                        the context: its limits, and the root of its cgroup namespace
//       vsd-exec/                     what is executed in it from outside
//
// Of `payload` the context owns the directory, cgroup.procs, cgroup.threads and
// cgroup.subtree_control, so it can divide what it has; the limits on it stay the host's
// (cgroup-v2.rst, "Delegation").
//
// Hosts differ in the controllers they offer here (a hybrid cgroup v1 layout offers none): contexts
// run without, and only a limit that needs a missing one is refused.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

// As many tasks as a context may have when nobody says otherwise: the ids of tasks are the host's,
// and one context must not be able to use them up.
inline constexpr std::uint64_t kDefaultPids = 4096;

// A limit that is absent is not set, but for two: `pids` is then kDefaultPids, and a limit of
// memory without one of swap means no swap, so that a context behaves alike on hosts with and
// without it. Both only where the host has the controller. Rates are bytes a second on `device`
// ("MAJOR:MINOR").
struct ResourceLimits {
  std::optional<Bytes> memory;
  std::optional<Bytes> swap;
  std::optional<std::uint32_t> milliCpus;  // thousandths of a processor
  std::optional<std::uint32_t> cpuWeight;  // 1..10000, 100 is usual
  std::optional<std::uint64_t> pids;
  std::optional<Bytes> readRate;
  std::optional<Bytes> writeRate;
  std::string device;
};

// One value in one file of `payload`. Required: the user asked for it; otherwise it takes back a
// limit and a missing controller is no trouble.
struct LimitWrite {
  enum class Need { Required, Reset };
  std::string controller;
  std::string file;
  std::string value;
  Need need = Need::Reset;
  bool operator==(const LimitWrite&) const = default;
};
// Every file that says something about `limits`, absent ones with their default. Pure.
std::vector<LimitWrite> limitWrites(const ResourceLimits& limits);

struct ResourceUsage {
  std::optional<Bytes> memory;           // nullopt: the controller is not there
  std::optional<std::uint64_t> pids;     // tasks
  std::optional<std::uint64_t> cpuTime;  // microseconds
};

// One cgroup that a context has made below payload/, or payload/ itself (path ""), as a checkpoint
// keeps it. Ids are those inside the context.
struct GroupRecord {
  std::string path;
  std::uint32_t owner = 0;
  bool delegated = false;                                   // its files too are the owner's
  std::vector<std::string> controllers;                     // that it hands to its children
  std::vector<std::pair<std::string, std::string>> values;  // files that say how it is divided
  std::vector<pid_t> tasks;                                 // processes in it
};

class ContextCgroup {
 public:
  // `root` is the mount point of cgroup v2 (findCgroupRoot). Touches nothing.
  ContextCgroup(std::string root, std::string name);

  const std::string& scope() const { return scope_; }
  std::string monitor() const { return scope_ + "/monitor"; }
  std::string payload() const { return scope_ + "/payload"; }
  bool exists() const;

  // Makes what is missing of the tree, enables every controller there is from the root down to
  // payload/ and gives payload/ to the root of `ids`.
  void create(const IdRange& ids) const;
  // The same for a scope that systemd has made, with `guest` in it: puts it into monitor/ first.
  void create(const IdRange& ids, pid_t guest) const;

  Fd openPayload() const;  // for CLONE_INTO_CGROUP and the device program
  Fd openMonitor() const;
  // payload/vsd-exec, made if need be and owned by the root of `ids`: a leaf, so that it can hold
  // processes also when the context has handed controllers to its own children.
  Fd openExecGroup(const IdRange& ids) const;

  // The controllers payload/ has, or would have when it is made.
  std::vector<std::string> availableControllers() const;
  // Throws Unsupported naming the controller and the remedy before anything is written.
  void applyLimits(const ResourceLimits& limits) const;

  // Returns when every task has stopped (or runs again). Throws TimedOut; a freeze is then taken
  // back.
  void freeze(Millis time) const;
  void thaw(Millis time) const;
  // The same without waiting: tasks that are held by ptrace stop when they are let go.
  void keepFrozen() const;
  bool isFrozen() const;
  bool isDumped() const;  // a criu is at work on it, in monitor/
  // The same, which somebody may have stopped: it goes on, or ends. Absent is success; throws
  // TimedOut.
  void letDumpGoOn() const;
  void endDump(Millis time) const;

  // Kills every task of payload/ and waits until none is left. Throws TimedOut naming the pids that
  // would not go. Absent is success.
  void kill(Millis time) const;
  bool isPopulated() const;         // a task lives in payload/ or below
  std::vector<pid_t> pids() const;  // of payload/ and below, host pids
  ResourceUsage usage() const;

  // What the context has made of payload/, from the top down, while it is frozen.
  // Throws Unsupported for a threaded group: its tasks cannot be put back.
  std::vector<GroupRecord> record(const IdRange& ids) const;
  // Makes the groups again in a new payload/, still without controllers: processes can be put
  // anywhere.
  void makeGroups(const std::vector<GroupRecord>& groups, const IdRange& ids) const;
  // Hands the controllers down and writes the values. payload/ must hold no process itself when it
  // hands any on. A controller that this host lacks is left out, with the values that need it.
  void divide(const std::vector<GroupRecord>& groups) const;
  // Puts every process of payload/ and below into the group that its id inside is recorded in, and
  // criu, which is not of the context, into monitor/. Throws Failed for one that is in none.
  void place(const std::vector<GroupRecord>& groups) const;

  // Removes the whole tree; waits a moment for tasks just killed. Absent is success; throws Busy
  // when something still lives there.
  void remove() const;

 private:
  std::vector<pid_t> dumpers() const;

  std::string root_;
  std::string name_;
  std::string scope_;
};

// The names of all contexts that have a scope under `root`, sorted.
std::vector<std::string> listContextCgroups(const std::string& root);

}  // namespace vs
