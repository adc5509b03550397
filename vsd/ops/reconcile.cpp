#include "vsd/ops/reconcile.hpp"

#include <algorithm>
#include <set>

#include "netfw/netlink.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/export.hpp"
#include "vsd/ops/limits.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/ownership.hpp"
#include "vsd/ops/remove.hpp"
#include "vsd/ops/rename.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/snapshots.hpp"
#include "vsd/ops/start.hpp"
#include "vsd/ops/stop.hpp"
#include "vsd/ops/storage_move.hpp"
#include "vsd/ops/storages.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

// What runs of `name` is taken over as it is; null when nothing does.
bool adopt(const Host& host, const std::string& name) {
  auto running = findRunning(host, name);
  if (!running) return false;
  host.contexts.setRunning(name, std::move(running));
  host.contexts.setGoal(name, Goal::Running);
  if (cgroupOf(host, name).isFrozen()) host.contexts.setState(name, State::Frozen);
  return true;
}

bool hasRemains(const Host& host, const std::string& name) {
  return exists(host.paths.contextOf(name)) || cgroupOf(host, name).exists();
}

// Volumes of operations that made one and did not come to record it.
void undoCreate(const Host& host, const std::string& name) {
  if (!isValidName(name) || host.contexts.findIfAny(name)) return;
  if (const auto storage = host.storages.holding(name)) storage->destroy(name);
}

// Renaming has two halves, volume and record; the volume goes first, so it tells.
void finishRename(const Host& host, const std::string& from, const std::string& to) {
  if (!host.contexts.findIfAny(from) || host.contexts.findIfAny(to)) return;
  const auto storage = storageOf(host, from);
  if (storage->hasVolume(to) || !storage->listSnapshots(to).empty()) storage->rename(to, from);
}

bool hasBegun(const OperationPicture& picture, const char* step) {
  return std::ranges::find(picture.steps, step, &Step::name) != picture.steps.end();
}

// A start that took its snapshot and did not come to run anything: there is nothing to decide on.
void closeSession(const Host& host, const OperationPicture& picture) {
  if (!hasBegun(picture, kUndoStep) || hasBegun(picture, kBootStep)) return;
  const auto context = host.contexts.findIfAny(picture.object);
  if (context && hasUndo(host, context->definition))
    storageOf(host, picture.object)->removeSnapshot(picture.object, kUndoSnapshot);
}

void close(const Host& host, Journal& journal, Journal::Open& open) {
  OperationPicture& picture = open.picture;
  const Json parameters = parseJson(open.parameters, "journal parameters");
  try {
    closeSession(host, picture);
    if (picture.verb == "create" || picture.verb == "clone" || picture.verb == "import")
      undoCreate(host, parameters.value("name", ""));
    if (picture.verb == "export")
      undoExport(host, picture.object, parameters.value("snapshot", ""));
    if (picture.verb == "storage move")
      finishStorageMove(host, picture.object, parameters.value("from", ""),
                        parameters.value("to", ""));
    if (picture.verb == "rename")
      finishRename(host, parameters.value("from", ""), parameters.value("to", ""));
    if (picture.verb == "storage add")
      undoAddStorage(host, {parameters.value("name", ""), parameters.value("tier", "thin"),
                            parameters.value("device", ""), parameters.value("group", ""),
                            std::nullopt, false});
    if (picture.verb.starts_with("template ") && parameters.contains("name"))
      for (const auto& storage : host.storages.all())
        storage->abandonTemplate(parameters.value("name", ""));
  } catch (const Error& error) {
    log::error("cannot clean up after operation {} ({} '{}'): {}, ignoring", picture.id,
               picture.verb, picture.object, error.text());
  }
  picture.state = OperationState::Interrupted;
  picture.finished = now();
  picture.error =
      Error(Kind::Failed, fmt::format("vsd ended during the step '{}'; it was {}",
                                      picture.steps.empty() ? "begin" : picture.steps.back().name,
                                      host.contexts.findIfAny(parameters.value("name", ""))
                                          ? "finished or is gone on with"
                                          : "taken back"));
  journal.record(picture);
  log::warning("operation {} ({} '{}') was interrupted", picture.id, picture.verb, picture.object);
}

// Of exports of which no row is left: the journal does not wait for the disk.
void undoExports(const Host& host) {
  for (const ContextPicture& context : host.contexts.all()) {
    try {
      undoExport(host, context.definition.name, {});
    } catch (const Error& error) {
      log::error("cannot clean up after an export of context '{}': {}, ignoring",
                 context.definition.name, error.text());
    }
  }
}

// With the host went everything that would tell how it ended.
void noteLostRun(const Host& host, const ContextPicture& context) {
  if (context.goal != Goal::Running) return;
  host.contexts.setEnded(context.definition.name, State::Stopped, "its host went down");
  host.contexts.setGoal(context.definition.name, Goal::Stopped);
}

void letDevicesGo(const Host& host) {
  for (const auto& storage : host.storages.all()) {
    try {
      for (const std::string& sentence : storage->letDevicesGo()) log::info("{}", sentence);
    } catch (const Error& error) {
      log::error("cannot let the devices of storage '{}' go on: {}, ignoring", storage->name(),
                 error.text());
    }
  }
}

std::vector<std::string> removeLeftovers(const Host& host, const std::set<std::string>& inUse) {
  std::vector<std::string> removed;
  for (const auto& storage : host.storages.all()) {
    try {
      for (std::string& sentence : storage->removeLeftovers(inUse))
        removed.push_back(std::move(sentence));
    } catch (const Error& error) {
      log::error("cannot look for leftovers on storage '{}': {}, ignoring", storage->name(),
                 error.text());
    }
  }
  return removed;
}

}  // namespace

std::vector<Interrupted> recover(const Host& host, Journal& journal, Boot boot) {
  std::vector<Interrupted> toResume;
  letDevicesGo(host);  // or what follows would wait for them
  for (Journal::Open& open : journal.unfinished()) {
    close(host, journal, open);
    toResume.push_back({open.picture.verb, open.picture.object, open.parameters});
  }
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    try {
      if (adopt(host, name)) continue;
      if (!hasRemains(host, name)) {
        if (boot == Boot::FirstStart) noteLostRun(host, context);
        // It was written to or checked while it was down.
        if (const auto storage = storageOf(host, name); storage->deviceOf(name))
          storage->detach(name);
        continue;
      }
      const bool ran = exists(host.paths.contextOf(name) + "/running") ||
                       exists(host.paths.contextOf(name) + "/ended");
      const End end = ran ? howItEnded(host, name) : End{State::Stopped, false, context.ended};
      cleanUpRun(host, name);
      host.contexts.setEnded(name, end.state, end.text);
    } catch (const Error& error) {
      log::error("cannot find out about context '{}': {}, ignoring", name, error.text());
    }
  }
  undoExports(host);
  for (const std::string& sentence : removeLeftovers(host, {})) log::info("{}", sentence);
  removeTree(host.paths.state() + "/build");
  return toResume;
}

namespace {

std::optional<UndoAnswer> answerIn(const Interrupted& one) {
  const std::string word = parseJson(one.parameters, "journal parameters").value("undo", "");
  return word.empty() ? std::nullopt : std::optional(undoAnswerFrom(word));
}

// A stop, a restart or an undo goes on from what the context is by now; on an undoable disk with
// the answer that its user gave.
Operations::Work goOn(const Host& host, const ContextPicture& context, const Interrupted& one) {
  const std::string name = one.context;
  const std::optional<UndoAnswer> answer = answerIn(one);
  const bool ended = isDown(context.state);
  const bool again = one.verb == "restart";
  if (!ended && one.verb != "undo")
    return [&host, name, answer, again](Operation& operation) {
      StopOptions options;
      if (hasUndo(host, host.contexts.find(name).definition)) options.undo = answer;
      if (again) return restart(host, name, options, Wait::ForInit, operation);
      stop(host, name, options, operation);
    };
  if (!ended || (!answer && !again)) return {};
  return [&host, name, answer, again](Operation& operation) {
    if (answer) settleUndo(host, name, *answer, operation);
    if (again) start(host, name, Wait::ForInit, operation, Session::GoesOn);
  };
}

// That a removal has begun is in the record, which a loss of power does not take along as it may
// the journal.
void finishRemovals(const Host& host) {
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    if (!context.removing || host.operations.runningOn(name)) continue;
    host.operations.start({"remove", name, {}, "vsd", Json{{"name", name}}.dump()},
                          [&host, name](Operation& operation) { remove(host, name, operation); });
  }
}

// A change that was cut off may have reached what runs and not the record, which holds.
void applyRecord(const Host& host, const std::string& name, Operation& operation) {
  const Definition definition = host.contexts.find(name).definition;
  operation.step("apply what is recorded");
  applyLimits(host, definition);
  loadRules(host, definition);
  loadForwards(host, definition);
}

// What the definition says of sessions that ended while nobody could act on it: vsd was away, or
// the host went down.
void endSessions(const Host& host) {
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    try {
      if (!isDown(context.state) || context.removing || !standingAnswer(context.definition) ||
          host.operations.runningOn(name) || !hasUndo(host, context.definition))
        continue;
      OperationRequest request{"undo", name, {}, "vsd", "{}"};
      request.manner = Manner::Yields;  // a start does the same first
      host.operations.start(request, [&host, name](Operation& operation) {
        endSession(host, name, std::nullopt, operation);
      });
    } catch (const Error& error) {
      log::error("cannot settle the changes of context '{}': {}, ignoring", name, error.text());
    }
  }
}

}  // namespace

void resume(const Host& host, const std::vector<Interrupted>& interrupted) {
  for (const Interrupted& one : interrupted) {
    std::string name = one.context;
    if (one.verb == "take") {
      const std::string storage =
          parseJson(one.parameters, "journal parameters").value("storage", "");
      host.operations.start(
          {one.verb, name, {}, "vsd", one.parameters},
          [&host, name, storage](Operation& operation) { take(host, name, storage, operation); });
      continue;
    }
    if (one.verb == "rename")
      name = parseJson(one.parameters, "journal parameters").value("to", "");
    const auto context = host.contexts.findIfAny(name);
    if (!context) continue;
    Operations::Work work;
    if (one.verb == "set" && context->running)
      work = [&host, name](Operation& operation) { applyRecord(host, name, operation); };
    else if (one.verb == "stop" || one.verb == "restart" || one.verb == "undo")
      work = goOn(host, *context, one);
    else if (one.verb == "rename")
      work = [&host, from = one.context, name](Operation& operation) {
        followName(host, from, name, operation);
      };
    else if (one.verb == "resize") {
      const Bytes size{
          parseJson(one.parameters, "journal parameters").value("size", std::uint64_t{0})};
      // LVM rounds up to whole extents: what was cut off may have grown to a little more.
      work = [&host, name, size](Operation& operation) {
        const Bytes now = storageOf(host, name)->sizeOf(name).value_or(size);
        resize(host, name, std::max(size, now), operation);
      };
    }
    if (work) host.operations.start({one.verb, name, {}, "vsd", one.parameters}, std::move(work));
  }
  finishRemovals(host);
  endSessions(host);
}

bool trySettle(const Host& host, const std::string& name) {
  try {
    OperationRequest request{"settle", name, {}, "vsd", Json{{"name", name}}.dump()};
    request.patience = Millis(0);  // the caller, which must not wait, comes again
    host.operations.start(request,
                          [&host, name](Operation& operation) { settle(host, name, operation); });
    return true;
  } catch (const Error& error) {
    if (error.kind() != Kind::Busy) throw;
    return false;
  }
}

std::vector<std::string> rebuild(const storage::Engine& storage, Store& store) {
  std::vector<std::string> sentences;
  for (const storage::Volume& volume : storage.list()) {
    try {
      Record record;
      record.definition = definitionFrom(
          parseJson(volume.definition, fmt::format("the definition of volume '{}'", volume.name)));
      record.definition.name = volume.name;
      record.definition.storage = storage.name();
      validate(record.definition);
      store.insert(record);
      sentences.push_back(fmt::format("context '{}': recorded again", volume.name));
    } catch (const Error& error) {
      sentences.push_back(fmt::format("volume '{}': {}, left alone", volume.name, error.text()));
    }
  }
  return sentences;
}

namespace {

// Somebody has flushed the host's rules, or deleted a bridge.
void findLinkDifferences(const Host& host, Fix fix, std::vector<std::string>& found) {
  const std::string outcome = fix == Fix::Yes ? ": mended" : "";
  for (const ContextPicture& context : host.contexts.all()) {
    if (host.operations.runningOn(context.definition.name)) continue;
    const std::vector<std::string> problems = linkProblems(host, context);
    if (!problems.empty() && fix == Fix::Yes) mendLinks(host, context);
    for (const std::string& problem : problems) found.push_back(problem + outcome);
  }
  for (const std::string& device : strayDevices(host)) {
    if (fix == Fix::Yes) netfw::removeDevice(device);
    found.push_back(fmt::format("device '{}' belongs to no context that runs{}", device, outcome));
  }
}

}  // namespace

std::vector<std::string> differences(const Host& host, Fix fix) {
  std::vector<std::string> found;
  const std::string outcome = fix == Fix::Yes ? ": mended" : "";
  std::set<std::string> known;
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    known.insert(name);
    if (host.operations.runningOn(name)) continue;  // what is being changed is not judged
    if (!storageOf(host, name)->hasVolume(name))
      found.push_back(fmt::format("context '{}' has no volume", name));
    if (isDown(context.state) && hasRemains(host, name)) {
      if (fix == Fix::Yes) cleanUpRun(host, name);
      found.push_back(fmt::format(
          "context '{}' is stopped, but its cgroup or run directory is there{}", name, outcome));
    }
  }
  findLinkDifferences(host, fix, found);
  for (const auto& storage : host.storages.all())
    for (const storage::Volume& volume : storage->list())
      if (host.operations.runningOn(volume.name))
        continue;
      else if (!known.contains(volume.name))
        found.push_back(fmt::format("volume '{}' belongs to no context", volume.name));
      else if (storageOf(host, volume.name)->name() != storage->name())
        found.push_back(fmt::format(
            "volume '{}' on storage '{}' is not that of context '{}', which "
            "lies on '{}'",
            volume.name, storage->name(), volume.name, storageOf(host, volume.name)->name()));
  for (const std::string& name : listContextCgroups(host.paths.cgroupRoot))
    if (!known.contains(name) && !host.operations.runningOn(name))
      found.push_back(fmt::format("the cgroup of '{}' belongs to no context", name));
  for (const std::string& name : listDirectory(host.paths.contexts())) {
    if (known.contains(name) || host.operations.runningOn(name)) continue;
    if (fix == Fix::Yes && !findRunning(host, name)) removeTree(host.paths.contextOf(name));
    found.push_back(fmt::format("the run directory '{}' belongs to no context{}", name, outcome));
  }
  std::set<std::string> inUse;
  for (const std::string& object : host.operations.busyObjects())
    inUse.insert(object.starts_with(kTemplateObject) ? object.substr(kTemplateObject.size())
                                                     : object);
  if (const auto brought = host.storages.broughtNow()) inUse.insert(*brought);
  if (fix == Fix::Yes)
    for (std::string& sentence : removeLeftovers(host, inUse)) found.push_back(std::move(sentence));
  return found;
}

}  // namespace vs
