#include "vsd/ops/bring_up.hpp"

#include <fcntl.h>
#include <signal.h>

#include "vsd/base/file.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/kernel/scope.hpp"
#include "vsd/ops/limits.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

constexpr Millis kScopeTime{30'000};

}  // namespace

Standing bringUp(const Host& host, const Definition& definition, const MakeGuest& makeGuest,
                 Rollback& undo, Operation& operation) {
  const std::string& name = definition.name;
  operation.step("attach the volume");
  const auto storage = storageOf(host, name);
  const std::string tree = storage->attach(name);
  undo.add("detach the volume", [storage, name] { storage->detach(name); });

  operation.step("make its run directory");
  removeTree(host.paths.contextOf(name));
  makeDirectories(host.paths.contextOf(name), 0700);
  undo.add("remove its run directory", [&host, name] { removeTree(host.paths.contextOf(name)); });

  operation.step("start its monitor");
  const ContextCgroup cgroup = cgroupOf(host, name);
  undo.add("remove its cgroup", [&host, name] {
    cgroupOf(host, name).kill(kScopeTime);
    if (isSystemdHost()) stopScope(name, kScopeTime);
    cgroupOf(host, name).remove();
  });
  const Fd root = openFile(tree, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  // systemd makes a scope only around a process that is there; by hand it can be born in its place.
  Fd monitor;
  if (!isSystemdHost()) {
    cgroup.create(definition.ids);
    monitor = cgroup.openMonitor();
  }
  StartedGuest guest = makeGuest(root.get(), monitor.get());
  const pid_t guestPid = guest.process.pid();
  const auto guestStart = startTimeOf(guestPid).value_or(0);
  undo.add("end its monitor", [guestPid, guestStart] {
    if (const auto process = Process::find(guestPid, guestStart)) process->signal(SIGKILL);
  });

  operation.step("create its cgroup");
  if (isSystemdHost()) {
    startScope(name, guestPid, kScopeTime);
    cgroup.create(definition.ids, guestPid);
  }
  applyLimits(host, definition);
  Fd payload = cgroup.openPayload();
  attachDeviceFilter(payload.get());
  return {storage, tree, std::move(guest), std::move(payload)};
}

void announceRunning(const Host& host, const Definition& definition, const Standing& standing,
                     std::shared_ptr<const RunningContext> running) {
  const pid_t init = running->init.pid();
  host.contexts.setRunning(definition.name, std::move(running));
  host.contexts.setGoal(definition.name, Goal::Running);
  if (isSystemdHost())
    registerMachine({definition.name, definition.uuid, init, standing.tree}, kScopeTime);
}

}  // namespace vs
