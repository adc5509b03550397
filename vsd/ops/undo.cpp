#include "vsd/ops/undo.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs {

std::string_view nameOf(UndoAnswer answer) {
  return answer == UndoAnswer::Keep ? "keep" : "discard";
}

UndoAnswer undoAnswerFrom(const std::string& word) {
  if (word == "keep") return UndoAnswer::Keep;
  if (word == "discard") return UndoAnswer::Discard;
  throw invalid("what becomes of the changes is keep or discard, not '{}'", printable(word));
}

std::optional<UndoAnswer> standingAnswer(const Definition& definition) {
  if (definition.atStop == AtStop::Ask) return std::nullopt;
  return definition.atStop == AtStop::Keep ? UndoAnswer::Keep : UndoAnswer::Discard;
}

bool hasUndo(const Host& host, const Definition& definition) {
  if (definition.disk != Disk::Undoable) return false;
  const auto storage = storageOf(host, definition.name);
  if (!storage->hasVolume(definition.name)) return false;  // another host's by now
  const auto all = storage->listSnapshots(definition.name);
  return std::ranges::any_of(all, [](const storage::Snapshot& snapshot) {
    return snapshot.name == kUndoSnapshot && snapshot.by == storage::MadeBy::Undo;
  });
}

void checkDisk(const Host& host, const Definition& definition) {
  if (definition.disk == Disk::Normal) return;
  if (host.storages.named(definition.storage)->capabilities().snapshots) return;
  throw Error(Kind::Unsupported, fmt::format("the disk of context '{}' cannot be undoable: storage "
                                             "'{}' has no snapshots",
                                             definition.name, definition.storage))
      .withHint("a storage of tier thin or shared has");
}

void checkUndoDecided(const Host& host, const ContextPicture& context) {
  const Definition& definition = context.definition;
  if (!isDown(context.state) || standingAnswer(definition) || !hasUndo(host, definition)) return;
  throw Error(Kind::InvalidState, fmt::format("what context '{}' changed when it last ran is "
                                              "neither kept nor discarded yet",
                                              definition.name))
      .withHint(
          fmt::format("say 'vsctl undo {0} keep' or 'vsctl undo {0} discard'; 'vsctl snapshot "
                      "diff {0} {1}' shows what it is",
                      definition.name, kUndoSnapshot));
}

void checkAnswer(const Host& host, const std::string& name,
                 const std::optional<UndoAnswer>& answer) {
  if (!answer || hasUndo(host, host.contexts.find(name).definition)) return;
  throw Error(Kind::InvalidState,
              fmt::format("cannot {} what context '{}' changed: it was not started with an "
                          "undoable disk",
                          nameOf(*answer), name))
      .withHint(
          fmt::format("'vsctl set {} --disk undoable' makes it so from its next start on", name));
}

std::string describeAnswer(const std::string& name, UndoAnswer answer) {
  if (answer == UndoAnswer::Keep)
    return fmt::format("keep what '{}' changed: remove the snapshot '{}'", name, kUndoSnapshot);
  return fmt::format("destroy what '{}' changed: put its volume back to the snapshot '{}'", name,
                     kUndoSnapshot);
}

void settleUndo(const Host& host, const std::string& name, UndoAnswer answer,
                Operation& operation) {
  if (!hasUndo(host, host.contexts.find(name).definition)) return;
  if (answer == UndoAnswer::Discard) {
    operation.step("discard its changes");
    operation.passPointOfNoReturn();
    putBack(host, name, kUndoSnapshot);
  }
  operation.step("remove its undo snapshot");
  operation.passPointOfNoReturn();
  storageOf(host, name)->removeSnapshot(name, kUndoSnapshot);
  operation.note(answer == UndoAnswer::Keep ? "its changes were kept"
                                            : "its changes were discarded");
}

void endSession(const Host& host, const std::string& name, std::optional<UndoAnswer> answer,
                Operation& operation) {
  const Definition definition = host.contexts.find(name).definition;
  if (!answer) answer = standingAnswer(definition);
  if (answer) return settleUndo(host, name, *answer, operation);
  if (hasUndo(host, definition))
    operation.note(fmt::format("its changes wait for 'vsctl undo {} keep' or 'discard'", name));
}

std::vector<std::string> planUndo(const Host& host, const std::string& name, UndoAnswer answer) {
  const ContextPicture context = host.contexts.find(name);
  if (!isDown(context.state))
    throw Error(Kind::InvalidState, fmt::format("cannot {} what context '{}' changed: it is {}",
                                                nameOf(answer), name, nameOf(context.state)))
        .withHint(fmt::format("'vsctl stop {} --undo {}' does both", name, nameOf(answer)));
  checkAnswer(host, name, answer);
  return {describeAnswer(name, answer)};
}

void undo(const Host& host, const std::string& name, UndoAnswer answer, Operation& operation) {
  planUndo(host, name, answer);
  settleUndo(host, name, answer, operation);
}

}  // namespace vs
