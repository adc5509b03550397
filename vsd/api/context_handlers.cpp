#include "vsd/api/handlers.hpp"
#include "vsd/ops/clone.hpp"
#include "vsd/ops/create.hpp"
#include "vsd/ops/remove.hpp"
#include "vsd/ops/rename.hpp"
#include "vsd/ops/resume.hpp"
#include "vsd/ops/set.hpp"
#include "vsd/ops/start.hpp"
#include "vsd/ops/stop.hpp"
#include "vsd/ops/suspend.hpp"

namespace vs::api {
namespace {

std::string nameIn(const Call& call) { return call.parameters.at("name").get<std::string>(); }

OperationRequest requestFor(std::string verb, const std::string& name) {
  OperationRequest request;
  request.verb = std::move(verb);
  request.object = name;
  request.parameters = Json{{"name", name}}.dump();
  return request;
}

Wait waitIn(const Call& call) { return call.flag("wait") ? Wait::ForSystem : Wait::ForInit; }
ThenStart thenStartIn(const Call& call) {
  return call.flag("start") ? ThenStart::Yes : ThenStart::No;
}

std::optional<Millis> timeoutIn(const Call& call) {
  const auto timeout = call.number("timeout");
  if (!timeout) return std::nullopt;
  if (*timeout < 0) throw invalid("the timeout {} is negative", *timeout);
  return Millis(*timeout);
}

StopOptions stopOptionsIn(const Call& call) {
  StopOptions options{timeoutIn(call),
                      call.flag("kill") ? StopOptions::Manner::Kill : StopOptions::Manner::Clean};
  if (const auto word = call.text("undo")) options.undo = undoAnswerFrom(*word);
  return options;
}

// With the answer for an undoable disk, which holds over a crash.
OperationRequest requestFor(std::string verb, const std::string& name, const StopOptions& options) {
  OperationRequest request = requestFor(std::move(verb), name);
  if (options.undo)
    request.parameters = Json{{"name", name}, {"undo", nameOf(*options.undo)}}.dump();
  return request;
}

Outcome handleCreate(const Host& host, const Call& call) {
  const ThenStart then = thenStartIn(call);
  const Definition definition = completeWish(host, call.parameters.at("wish"));
  return runChange(host, call,
                   {requestFor("create", definition.name),
                    [&host, definition, then] { return planCreate(host, definition, then); },
                    [&host, definition, then](Operation& operation) {
                      create(host, definition, then, operation);
                    }});
}

Outcome handleStart(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const Wait wait = waitIn(call);
  return runChange(
      host, call,
      {requestFor("start", name), [&host, name] { return planStart(host, name); },
       [&host, name, wait](Operation& operation) { start(host, name, wait, operation); }});
}

Outcome handleStop(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const StopOptions options = stopOptionsIn(call);
  return runChange(
      host, call,
      {requestFor("stop", name, options),
       [&host, name, options] { return planStop(host, name, options); },
       [&host, name, options](Operation& operation) { stop(host, name, options, operation); }});
}

Outcome handleRestart(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const Wait wait = waitIn(call);
  StopOptions options = stopOptionsIn(call);
  options.then = StopOptions::Then::StartsAgain;
  return runChange(host, call,
                   {requestFor("restart", name, options),
                    [&host, name, options] {
                      std::vector<std::string> plan = planStop(host, name, options);
                      plan.push_back(fmt::format("start context '{}' again", name));
                      return plan;
                    },
                    [&host, name, options, wait](Operation& operation) {
                      restart(host, name, options, wait, operation);
                    }});
}

Outcome handleUndo(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const UndoAnswer answer = undoAnswerFrom(call.parameters.at("answer").get<std::string>());
  OperationRequest request = requestFor("undo", name);
  request.parameters = Json{{"name", name}, {"undo", nameOf(answer)}}.dump();
  return runChange(
      host, call,
      {request, [&host, name, answer] { return planUndo(host, name, answer); },
       [&host, name, answer](Operation& operation) { undo(host, name, answer, operation); }});
}

Outcome handleFreeze(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  return runChange(
      host, call,
      {requestFor("freeze", name),
       [&host, name] {
         checkFreeze(host, name);
         return std::vector<std::string>{fmt::format("freeze every task of context '{}'", name)};
       },
       [&host, name](Operation& operation) { freeze(host, name, operation); }});
}

Outcome handleThaw(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  return runChange(
      host, call,
      {requestFor("thaw", name),
       [&host, name] {
         checkThaw(host, name);
         return std::vector<std::string>{fmt::format("let every task of context '{}' go on", name)};
       },
       [&host, name](Operation& operation) { thaw(host, name, operation); }});
}

Outcome handleSuspend(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  OperationRequest request = requestFor("suspend", name);
  const auto context = host.contexts.findIfAny(name);
  const bool frozen = context && context->state == State::Frozen;
  request.parameters = Json{{"name", name}, {"frozen", frozen}}.dump();
  const auto look = call.flag("try") ? Obstacles::Try : Obstacles::Refuse;
  return runChange(
      host, call,
      {request, [&host, name, look] { return planSuspend(host, name, look); },
       [&host, name, look](Operation& operation) { suspend(host, name, look, operation); }});
}

Outcome handleResume(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const ResumeOptions options{call.flag("closeConnections")};
  return runChange(
      host, call,
      {requestFor("resume", name), [&host, name] { return planResume(host, name); },
       [&host, name, options](Operation& operation) { resume(host, name, options, operation); }});
}

Outcome handleSet(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const Json changes = call.parameters.at("changes");
  return runChange(host, call,
                   {requestFor("set", name),
                    [&host, name, changes] {
                      const ContextPicture context = host.contexts.find(name);
                      return describeChanges(context.definition,
                                             changedDefinition(host, name, changes), context.state);
                    },
                    // Read again under the operation's lock: another change may have come first.
                    [&host, name, changes](Operation& operation) {
                      set(host, changedDefinition(host, name, changes), operation);
                    }});
}

Outcome handleRename(const Host& host, const Call& call) {
  const std::string from = nameIn(call);
  const std::string to = call.parameters.at("newName").get<std::string>();
  OperationRequest request = requestFor("rename", from);
  request.alsoBusy = {to};
  request.parameters = Json{{"from", from}, {"to", to}, {"name", from}}.dump();
  return runChange(
      host, call,
      {request, [&host, from, to] { return planRename(host, from, to); },
       [&host, from, to](Operation& operation) { rename(host, from, to, operation); }});
}

Outcome handleClone(const Host& host, const Call& call) {
  const std::string from = nameIn(call);
  const std::string to = call.parameters.at("newName").get<std::string>();
  const ThenStart then = thenStartIn(call);
  OperationRequest request = requestFor("clone", to);
  request.alsoBusy = {from};
  return runChange(
      host, call,
      {request, [&host, from, to, then] { return planClone(host, from, to, then); },
       [&host, from, to, then](Operation& operation) { clone(host, from, to, then, operation); }});
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = nameIn(call);
  const IfRunning ifRunning = call.flag("kill") ? IfRunning::Kill : IfRunning::Refuse;
  return runChange(host, call,
                   {requestFor("remove", name),
                    [&host, name, ifRunning] { return planRemove(host, name, ifRunning); },
                    [&host, name, ifRunning](Operation& operation) {
                      checkRemove(host, name, ifRunning);
                      remove(host, name, operation);
                    }});
}

}  // namespace

void addContextHandlers(Service& service, const Host& host) {
  using Function = Outcome (*)(const Host&, const Call&);
  const std::pair<const char*, Function> table[] = {
      {"Create", handleCreate},   {"Start", handleStart},   {"Stop", handleStop},
      {"Restart", handleRestart}, {"Freeze", handleFreeze}, {"Thaw", handleThaw},
      {"Set", handleSet},         {"Rename", handleRename}, {"Clone", handleClone},
      {"Remove", handleRemove},   {"Undo", handleUndo},     {"Suspend", handleSuspend},
      {"Resume", handleResume},
  };
  for (const auto& [name, function] : table)
    service.add(name, [&host, function = function](Call& call) { return function(host, call); });
}

}  // namespace vs::api
