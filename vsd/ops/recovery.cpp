#include "vsd/ops/recovery.hpp"

#include <algorithm>

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/checkpoints.hpp"
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
#include "vsd/ops/suspend.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

constexpr Millis kPatience{600'000};  // with what goes on with a context before it is started
constexpr Millis kPause{2'000};       // between two looks for storages that are not there

// What runs of `name` is taken over as it is; false when nothing does.
bool adopt(const Host& host, const std::string& name) {
  auto running = findRunning(host, name);
  if (!running) return false;
  host.contexts.setRunning(name, std::move(running));
  host.contexts.setGoal(name, Goal::Running);
  if (cgroupOf(host, name).isFrozen()) host.contexts.setState(name, State::Frozen);
  return true;
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

void close(const Host& host, const OperationPicture& picture, const Json& parameters) {
  closeSession(host, picture);
  if (picture.verb == "create" || picture.verb == "clone" || picture.verb == "import")
    undoCreate(host, parameters.value("name", ""));
  if (picture.verb == "checkpoint create")
    undoCreateCheckpoint(host, picture.object, parameters.value("checkpoint", ""));
  if (picture.verb == "export") undoExport(host, picture.object, parameters.value("snapshot", ""));
  if (picture.verb == "storage move")
    finishStorageMove(host, picture.object, parameters.value("from", ""),
                      parameters.value("to", ""));
  if (picture.verb == "rename")
    finishRename(host, parameters.value("from", ""), parameters.value("to", ""));
  if (picture.verb == "storage add")
    undoAddStorage(
        host, {parameters.value("name", ""), parameters.value("tier", "thin"),
               parameters.value("device", ""), parameters.value("group", ""), std::nullopt, false});
  if (picture.verb.starts_with("template ") && parameters.contains("name"))
    for (const auto& storage : host.storages.all())
      storage->abandonTemplate(parameters.value("name", ""));
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

std::optional<UndoAnswer> answerIn(const std::string& parameters) {
  const std::string word = parseJson(parameters, "journal parameters").value("undo", "");
  return word.empty() ? std::nullopt : std::optional(undoAnswerFrom(word));
}

// A change that was cut off may have reached what runs and not the record, which holds.
void applyRecord(const Host& host, const std::string& name, Operation& operation) {
  const Definition definition = host.contexts.find(name).definition;
  operation.step("apply what is recorded");
  applyLimits(host, definition);
  shapeLinks(host, definition);
  loadForwards(host, definition);
}

// What a template was being made in. One that cannot be removed is in nobody's way.
void dropBuilds(const Host& host) {
  try {
    removeTree(host.paths.state() + "/build");
  } catch (const Error& error) {
    log::error("{} ({}), ignoring", error.text(), error.hint());
  }
}

}  // namespace

void Recovery::begin() {
  letDevicesGo(host_);  // or what follows would wait for them
  for (const auto& storage : host_.storages.all()) look(*storage);
  open_ = journal_.unfinished();
  closeOperations();
  findContexts();
  for (const auto& storage : host_.storages.all())
    if (!away_.contains(storage->name())) settleStorage(*storage, {});
  dropBuilds(host_);
}

void Recovery::goOn() {
  std::vector<Interrupted> later;
  for (Interrupted& one : std::exchange(waiting_, {})) {
    try {
      if (isAway(one))
        later.push_back(std::move(one));
      else if (Operations::Work work = workOf(one))
        host_.operations.start({one.verb, one.context, {}, "vsd", one.parameters}, std::move(work));
    } catch (const Error& error) {
      log::error("cannot go on with {} '{}': {}, ignoring", one.verb, one.context, error.text());
    }
  }
  waiting_ = std::move(later);
  finishRemovals();
  endSessions();
}

void Recovery::lookForStorages() {
  std::vector<std::shared_ptr<storage::Engine>> come;
  const std::size_t before = away_.size();
  for (const auto& [name, why] : std::map(away_)) {
    const auto storage = host_.storages.findIfAny(name);
    if (!storage)
      away_.erase(name);  // removed by its administrator
    else if (look(*storage))
      come.push_back(storage);
  }
  if (away_.size() == before) return;
  closeOperations();
  for (const auto& storage : come) {
    log::info("storage '{}' is there", storage->name());
    settleStorage(*storage, namesInUse(host_));
  }
  std::erase_if(come, [this](const auto& storage) { return away_.contains(storage->name()); });
  goOn();
  if (boot_ == Boot::FirstStart)
    for (const auto& storage : come) startWithHost(storage->name());
}

void Recovery::keepLooking() {
  if (away_.empty()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested() && !away_.empty()) {
      std::this_thread::sleep_for(kPause);
      try {
        lookForStorages();
      } catch (const std::exception& error) {
        log::error("cannot settle what lies on storages that have come: {}; trying again",
                   error.what());
      }
    }
  });
}

// Whether it can be asked.
bool Recovery::look(const storage::Engine& storage) {
  try {
    storage.list();
    away_.erase(storage.name());
    return true;
  } catch (const Error& error) {
    keepForLater(storage.name(), error);
    return false;
  }
}

void Recovery::keepForLater(const std::string& storage, const Error& error) {
  if (away_.contains(storage) && away_[storage] == error.text()) return;
  away_[storage] = error.text();
  log::error("storage '{}': {}; trying again until it is there", storage, error.text());
}

// It needs one that is away: its context lies there, or it was to be taken from there.
bool Recovery::isAway(const Interrupted& one) const {
  const std::string storage =
      parseJson(one.parameters, "journal parameters").value("storage", std::string());
  return isAway(one.context) || (one.verb == "take" && away_.contains(storage));
}

bool Recovery::isAway(const std::string& context) const {
  const auto found = host_.contexts.findIfAny(context);
  return found && away_.contains(found->definition.storage);
}

// Those that cannot be closed as long as a storage is away stay open.
void Recovery::closeOperations() {
  std::vector<Journal::Open> later;
  for (Journal::Open& open : std::exchange(open_, {})) {
    OperationPicture& picture = open.picture;
    const Json parameters = parseJson(open.parameters, "journal parameters");
    try {
      close(host_, picture, parameters);
    } catch (const Error& error) {
      if (!away_.empty()) {
        later.push_back(std::move(open));
        continue;
      }
      log::error("cannot clean up after operation {} ({} '{}'): {}, ignoring", picture.id,
                 picture.verb, picture.object, error.text());
    }
    picture.state = OperationState::Interrupted;
    picture.finished = now();
    picture.error =
        Error(Kind::Failed, fmt::format("vsd ended during the step '{}'; it was {}",
                                        picture.steps.empty() ? "begin" : picture.steps.back().name,
                                        host_.contexts.findIfAny(parameters.value("name", ""))
                                            ? "finished or is gone on with"
                                            : "taken back"));
    journal_.record(picture);
    log::warning("operation {} ({} '{}') was interrupted", picture.id, picture.verb,
                 picture.object);
    // Where its volume came to have the new name, the record has, and that is what is held.
    const std::string renamed = picture.verb == "rename" ? parameters.value("to", "") : "";
    const bool isRenamed = !renamed.empty() && host_.contexts.findIfAny(renamed);
    waiting_.push_back({picture.verb, isRenamed ? renamed : picture.object, open.parameters,
                        hasBegun(picture, kPutBackStep)});
  }
  open_ = std::move(later);
}

void Recovery::findContexts() {
  for (const ContextPicture& context : host_.contexts.all()) {
    const std::string& name = context.definition.name;
    try {
      removeCheckpointRemains(host_, name);
      if (settleMemory(host_, name)) {
        host_.contexts.setState(name, State::Suspended);
        continue;
      }
      if (adopt(host_, name)) continue;
      if (!hasRemains(host_, name)) {
        if (boot_ == Boot::FirstStart) noteLostRun(host_, context);
        continue;
      }
      const bool ran = exists(host_.paths.contextOf(name) + "/running") ||
                       exists(host_.paths.contextOf(name) + "/ended");
      const End end = ran ? howItEnded(host_, name) : End{State::Stopped, false, context.ended};
      cleanUpRun(host_, name);
      host_.contexts.setEnded(name, end.state, end.text);
    } catch (const Error& error) {
      log::error("cannot find out about context '{}': {}, ignoring", name, error.text());
    }
  }
}

// What lies on it is as the records say, or it counts as away again.
void Recovery::settleStorage(storage::Engine& storage, const std::set<std::string>& inUse) {
  try {
    for (const ContextPicture& context : host_.contexts.all()) {
      const std::string& name = context.definition.name;
      if (inUse.contains(name) || storageOf(host_, name)->name() != storage.name()) continue;
      // Of an export of which no row is left: the journal does not wait for the disk.
      undoExport(host_, name, {});
      // It was written to or checked while it was down.
      if (isDown(context.state) && !hasRemains(host_, name) && storage.deviceOf(name))
        storage.detach(name);
    }
    for (const std::string& sentence : storage.removeLeftovers(inUse)) log::info("{}", sentence);
  } catch (const Error& error) {
    keepForLater(storage.name(), error);
  }
}

// `vsctl start --autostart` has been there when it was not.
void Recovery::startWithHost(const std::string& storage) const {
  for (const ContextPicture& context : host_.contexts.all()) {
    const std::string& name = context.definition.name;
    if (!context.definition.autostart || context.definition.storage != storage ||
        !isDown(context.state))
      continue;
    try {
      // What was cut off and goes on, a resize perhaps, comes first.
      if (const auto before = host_.operations.runningOn(name)) before->waitEnd(kPatience);
      host_.operations.start({"start", name, {}, "vsd", Json{{"name", name}}.dump()},
                             [host = &host_, name](Operation& operation) {
                               start(*host, name, Wait::ForInit, operation);
                             });
    } catch (const Error& error) {
      log::error("cannot start context '{}': {}, ignoring", name, error.text());
    }
  }
}

// What is left to do of an operation that was cut off; empty when nothing is.
Operations::Work Recovery::workOf(const Interrupted& one) const {
  const Host* host = &host_;
  const std::string name = one.context;
  const Json parameters = parseJson(one.parameters, "journal parameters");
  if (one.verb == "take")
    return [host, name, storage = parameters.value("storage", "")](Operation& operation) {
      take(*host, name, storage, operation);
    };
  const auto context = host_.contexts.findIfAny(name);
  if (!context) return {};
  if (one.verb == "rename" && name == parameters.value("to", ""))
    return [host, from = parameters.value("from", ""), name](Operation& operation) {
      followName(*host, from, name, operation);
    };
  if (one.verb == "suspend" && context->running)
    return [host, name, frozen = parameters.value("frozen", false)](Operation& operation) {
      letGoOn(*host, name, frozen, operation);
    };
  if (one.verb == "checkpoint create" && context->running)
    return [host, name, frozen = parameters.value("frozen", false)](Operation& operation) {
      letGoOn(*host, name, frozen, operation);
    };
  const std::string point = parameters.value("checkpoint", "");
  if (one.verb == "checkpoint restore" && one.isPutBack)
    return [host, name, point](Operation& operation) {
      finishRestoreCheckpoint(*host, name, point, operation);
    };
  if (one.verb == "checkpoint remove")
    return [host, name, point](Operation& operation) {
      removeCheckpoint(*host, name, point, operation);
    };
  if (one.verb == "set" && context->running)
    return [host, name](Operation& operation) { applyRecord(*host, name, operation); };
  if (one.verb == "stop" || one.verb == "restart" || one.verb == "undo")
    return endingOf(*context, one);
  if (one.verb == "resize")
    return [host, name,
            size = Bytes{parameters.value("size", std::uint64_t{0})}](Operation& operation) {
      // LVM rounds up to whole extents: what was cut off may have grown to a little more.
      const Bytes now = storageOf(*host, name)->sizeOf(name).value_or(size);
      resize(*host, name, std::max(size, now), operation);
    };
  return {};
}

// A stop, a restart or an undo goes on from what the context is by now; on an undoable disk with
// the answer that its user gave.
Operations::Work Recovery::endingOf(const ContextPicture& context, const Interrupted& one) const {
  const Host* host = &host_;
  const std::string name = one.context;
  const std::optional<UndoAnswer> answer = answerIn(one.parameters);
  const bool ended = isDown(context.state);
  const bool again = one.verb == "restart";
  if (!ended && one.verb != "undo")
    return [host, name, answer, again](Operation& operation) {
      StopOptions options;
      if (hasUndo(*host, host->contexts.find(name).definition)) options.undo = answer;
      if (again) return restart(*host, name, options, Wait::ForInit, operation);
      stop(*host, name, options, operation);
    };
  if (!ended || (!answer && !again)) return {};
  return [host, name, answer, again](Operation& operation) {
    if (answer) settleUndo(*host, name, *answer, operation);
    if (again) start(*host, name, Wait::ForInit, operation, Session::GoesOn);
  };
}

// That a removal has begun is in the record, which a loss of power does not take along as it may
// the journal.
void Recovery::finishRemovals() const {
  for (const ContextPicture& context : host_.contexts.all()) {
    const std::string& name = context.definition.name;
    if (!context.removing || isAway(name) || host_.operations.runningOn(name)) continue;
    try {
      host_.operations.start(
          {"remove", name, {}, "vsd", Json{{"name", name}}.dump()},
          [host = &host_, name](Operation& operation) { remove(*host, name, operation); });
    } catch (const Error& error) {
      // Somebody has begun with it at this moment.
      log::error("cannot go on with the removal of context '{}': {}, ignoring", name, error.text());
    }
  }
}

// What the definition says of sessions that ended while nobody could act on it: vsd was away, or
// the host went down.
void Recovery::endSessions() const {
  for (const ContextPicture& context : host_.contexts.all()) {
    const std::string& name = context.definition.name;
    try {
      if (!isDown(context.state) || context.removing || !standingAnswer(context.definition) ||
          isAway(name) || host_.operations.runningOn(name) || !hasUndo(host_, context.definition))
        continue;
      OperationRequest request{"undo", name, {}, "vsd", "{}"};
      request.manner = Manner::Yields;  // a start does the same first
      host_.operations.start(request, [host = &host_, name](Operation& operation) {
        endSession(*host, name, std::nullopt, operation);
      });
    } catch (const Error& error) {
      log::error("cannot settle the changes of context '{}': {}, ignoring", name, error.text());
    }
  }
}

}  // namespace vs
