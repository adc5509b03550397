#include "vsd/ops/running.hpp"

#include <signal.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/kernel/scope.hpp"
#include "vsd/ops/links.hpp"

namespace vs {
namespace {

constexpr Millis kKillTime{15'000};
constexpr Millis kScopeTime{15'000};

// What matters is that the group is gone, which is seen to next: a systemd that does not answer
// must not keep an ended context from being recorded as ended.
void endScope(const std::string& name) {
  if (!isSystemdHost()) return;
  try {
    stopScope(name, kScopeTime);
  } catch (const Error& error) {
    log::warning("context '{}': {}, ignoring", name, error.text());
  }
}

}  // namespace

Isolation isolationOf(const Definition& definition) {
  return definition.profile == Profile::Nesting ? Isolation::Nesting : Isolation::System;
}

std::shared_ptr<storage::Engine> storageOf(const Host& host, const std::string& context) {
  if (const auto known = host.contexts.findIfAny(context))
    return host.storages.named(known->definition.storage);
  if (auto holder = host.storages.holding(context)) return holder;
  throw Error(Kind::NotFound, fmt::format("no storage of this host holds a volume '{}'", context));
}

std::set<std::string> namesInUse(const Host& host) {
  std::set<std::string> names;
  for (const std::string& object : host.operations.busyObjects())
    names.insert(object.starts_with(kTemplateObject) ? object.substr(kTemplateObject.size())
                                                     : object);
  if (const auto brought = host.storages.broughtNow()) names.insert(*brought);
  return names;
}

ContextCgroup cgroupOf(const Host& host, const std::string& name) {
  return ContextCgroup(host.paths.cgroupRoot, name);
}

bool hasRemains(const Host& host, const std::string& name) {
  return exists(host.paths.contextOf(name)) || cgroupOf(host, name).exists();
}

std::shared_ptr<const RunningContext> findRunning(const Host& host, const std::string& name) {
  const auto text = readFileIfExists(host.paths.contextOf(name) + "/running");
  const auto record = text ? decodeRunning(*text) : std::nullopt;
  if (!record || record->bootId != bootId()) return nullptr;
  auto guest = Process::find(record->guest, record->guestStart);
  auto init = Process::find(record->init, record->initStart);
  if (!guest || !init) return nullptr;
  return std::make_shared<RunningContext>(
      RunningContext{std::move(*guest), std::move(*init), record->since});
}

End howItEnded(const Host& host, const std::string& name) {
  const auto text = readFileIfExists(host.paths.contextOf(name) + "/ended");
  const auto record = text ? decodeEnded(*text) : std::nullopt;
  if (!record) return {State::Failed, false, "its monitor was lost"};
  switch (record->how) {
    case EndedRecord::How::Reboot:
      return {State::Stopped, true, "rebooted"};
    case EndedRecord::How::Halt:
      return {State::Stopped, false, "powered off"};
    case EndedRecord::How::Killed:
      return {State::Failed, false, fmt::format("killed by signal {}", record->value)};
    case EndedRecord::How::Exited:
      return {record->value == 0 ? State::Stopped : State::Failed, false,
              fmt::format("exited {}", record->value)};
  }
  return {};
}

void cleanUpRun(const Host& host, const std::string& name) {
  const ContextCgroup cgroup = cgroupOf(host, name);
  // A guest without its context (killed between the two) would hold the cgroup: it goes first.
  if (const auto text = readFileIfExists(host.paths.contextOf(name) + "/running"))
    if (const auto record = decodeRunning(*text); record && record->bootId == bootId())
      if (const auto guest = Process::find(record->guest, record->guestStart)) {
        guest->signal(SIGKILL);
        guest->waitEnd(kKillTime);
      }
  cgroup.kill(kKillTime);
  endScope(name);
  cgroup.remove();
  removeLinks(host, name);
  storageOf(host, name)->detach(name);
  removeTree(host.paths.contextOf(name));
}

ExecPlaces::ExecPlaces(const Host& host, const ContextPicture& context)
    : running_(context.running),
      group_(cgroupOf(host, context.definition.name).openExecGroup(context.definition.ids)),
      monitor_(cgroupOf(host, context.definition.name).openMonitor()) {}

ExecSession ExecPlaces::session() const {
  ExecSession session;
  session.init = running_->init.fd();
  session.group = group_.get();
  session.monitor = monitor_.get();
  return session;
}

ExecResult runInContext(const Host& host, const std::string& name,
                        const std::vector<std::string>& argv, Millis time) {
  const ContextPicture context = host.contexts.find(name);
  if (!context.running || !canExec(context.state))
    throw Error(Kind::InvalidState, fmt::format("context '{}' is {}", name, nameOf(context.state)));
  ExecPlan plan;
  plan.argv = argv;
  plan.workingDirectory = "/";
  plan.confinement = confinementOf(isolationOf(context.definition));
  const ExecPlaces places(host, context);
  return runInside(host.guestProgram, plan, places.session(), time);
}

std::string systemStateOf(const Host& host, const std::string& name, Millis time) {
  const ContextPicture context = host.contexts.find(name);
  if (context.definition.init != Init::Systemd || context.state != State::Running) return {};
  try {
    ExecResult result = runInContext(host, name, {"systemctl", "is-system-running"}, time);
    std::string text = result.out;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    // It is the context's own output: only systemd's words are passed on (systemctl(1)).
    for (const char* word :
         {"initializing", "starting", "running", "degraded", "maintenance", "stopping"})
      if (text == word) return text;
    return {};
  } catch (const Error& error) {
    log::debug("context '{}': its systemd does not say how it is: {}", name, error.text());
    return {};
  }
}

}  // namespace vs
