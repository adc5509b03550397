#include "vsd/ops/start.hpp"

#include <thread>

#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/context/boot.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/ops/bring_up.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs {
namespace {

constexpr Millis kBootTime{60'000};
constexpr Millis kSystemTime{600'000};
constexpr Millis kSystemStep{250};

BootPlan fullPlan(const Host& host, const Definition& definition) {
  BootPlan plan =
      bootPlanFor(definition, {host.paths.contextOf(definition.name),
                               host.paths.logOf(definition.name), host.config.consoleLogLimit});
  const Isolation isolation = isolationOf(definition);
  plan.devices = defaultDevices();
  plan.covers = defaultCovers(isolation);
  plan.confinement = confinementOf(isolation);
  plan.links = !definition.links.empty();
  return plan;
}

// Until systemd inside says that it has done what it does at boot, well or not so well.
void waitForSystem(const Host& host, const std::string& name, Operation& operation) {
  const Deadline deadline = deadlineIn(kSystemTime);
  for (std::string state;;) {
    state = systemStateOf(host, name, Millis(10'000));
    if (state == "running") return;
    if (state == "degraded" || state == "maintenance")
      return operation.note(
          fmt::format("its systemd is {}: see 'vsctl exec {} systemctl --failed'", state, name));
    if (host.contexts.find(name).state != State::Running || !findRunning(host, name))
      throw failed("start context '{}': it ended while it booted", name)
          .withHint(fmt::format("see 'vsctl log {}'", name));
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(Kind::TimedOut,
                  fmt::format("context '{}' runs, but its systemd is still '{}'", name, state));
    if (operation.isCancelled()) return operation.note("not waited for until its systemd is up");
    std::this_thread::sleep_for(kSystemStep);
  }
}

void checkStart(const Host& host, const std::string& name, Session session) {
  const ContextPicture context = host.contexts.find(name);
  if (context.removing)
    throw Error(Kind::InvalidState, fmt::format("context '{}' is being removed", name))
        .withHint(fmt::format("finish that with 'vsctl remove {}'", name));
  if (context.state == State::Suspended)
    throw Error(Kind::InvalidState, fmt::format("context '{}' is suspended", name))
        .withHint(fmt::format(
            "'vsctl resume {}' lets it go on; 'vsctl stop {}' gives its memory up", name, name));
  if (!canStart(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {} already", name, nameOf(context.state)));
  if (session == Session::New) checkUndoDecided(host, context);
  checkLinks(host, context.definition);
}

// Of an undoable disk, before anything of the context can write.
void openSession(const Host& host, const Definition& definition, Session session,
                 Rollback& nothingRan, Operation& operation) {
  if (definition.disk == Disk::Normal) return;
  checkDisk(host, definition);
  const std::string& name = definition.name;
  // The definition's word on the last session that nobody could carry out when it ended.
  if (session == Session::New) endSession(host, name, std::nullopt, operation);
  if (hasUndo(host, definition)) return;
  operation.step(kUndoStep);
  const auto storage = storageOf(host, name);
  nothingRan.add("remove its undo snapshot", [storage, name] {
    if (hasSnapshot(*storage, name, kUndoSnapshot)) storage->removeSnapshot(name, kUndoSnapshot);
  });
  storage->createSnapshot(name, kUndoSnapshot, storage::MadeBy::Undo);
}

}  // namespace

void checkStart(const Host& host, const std::string& name) { checkStart(host, name, Session::New); }

std::vector<std::string> planStart(const Host& host, const std::string& name) {
  checkStart(host, name);
  const Definition definition = host.contexts.find(name).definition;
  std::vector<std::string> plan;
  if (hasUndo(host, definition))
    plan.push_back(describeAnswer(name, standingAnswer(definition).value_or(UndoAnswer::Keep)));
  if (definition.disk == Disk::Undoable)
    plan.push_back(fmt::format("take the snapshot '{}' of the volume '{}'", kUndoSnapshot, name));
  plan.push_back(fmt::format("attach the volume '{}' ({})", name, definition.storage));
  plan.push_back(fmt::format("create the cgroup {}", cgroupOf(host, name).scope()));
  for (const netfw::LinkPlan& link : linkPlansOf(host, definition))
    for (std::string& line : netfw::describe(link)) plan.push_back(std::move(line));
  if (!definition.links.empty())
    plan.push_back(
        fmt::format("load its firewall as nftables table netdev {}", netfw::tableName(name)));
  plan.push_back(fmt::format("boot {} with ids {}..{} and profile '{}'",
                             fullPlan(host, definition).argv[0], definition.ids.first,
                             definition.ids.first + definition.ids.count - 1,
                             nameOf(definition.profile)));
  return plan;
}

void start(const Host& host, const std::string& name, Wait wait, Operation& operation,
           Session session) {
  Rollback nothingRan;  // after the other, which detaches the volume
  Rollback undo;
  checkStart(host, name, session);
  host.contexts.setState(name, State::Starting);
  undo.add("call it stopped", [&host, name] { host.contexts.setState(name, State::Stopped); });

  openSession(host, host.contexts.find(name).definition, session, nothingRan, operation);
  const Definition definition = host.contexts.find(name).definition;

  const Standing standing = bringUp(
      host, definition,
      [&](int root, int monitor) {
        return startGuest(host.guestProgram, fullPlan(host, definition), root, kBootTime, monitor);
      },
      undo, operation);

  operation.step(kBootStep);
  nothingRan.commit();
  undo.add("remove its links", [&host, name] { removeLinks(host, name); });
  bootGuest(standing.guest, standing.payload.get(), kBootTime,
            [&](pid_t init) { connectLinks(host, definition, init); });
  auto running = findRunning(host, name);
  if (!running)
    throw failed("start context '{}': it ended at once", name)
        .withHint(fmt::format("see 'vsctl log {}'", name));
  undo.commit();  // from here it runs, whatever happens to us

  operation.step("announce it");
  announceRunning(host, definition, standing, running);

  if (wait == Wait::ForSystem && definition.init == Init::Systemd) {
    operation.step("wait for its systemd");
    waitForSystem(host, name, operation);
  }
}

}  // namespace vs
