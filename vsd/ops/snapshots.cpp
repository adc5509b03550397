#include "vsd/ops/snapshots.hpp"

#include <algorithm>
#include <ctime>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/checkpoints.hpp"
#include "vsd/ops/room.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

void mustNotBeUndo(const std::string& name, const std::string& snapshot) {
  if (snapshot == kUndoSnapshot)
    throw invalid("the snapshot '{}' is an undoable disk's: vsd takes and removes it", snapshot)
        .withHint(fmt::format("'vsctl undo {}' keeps or discards the changes since", name));
}

}  // namespace

std::shared_ptr<storage::Engine> storageWithSnapshots(const Host& host, const std::string& name) {
  host.contexts.find(name);
  auto storage = storageOf(host, name);
  if (!storage->capabilities().snapshots)
    throw Error(Kind::Unsupported,
                fmt::format("context '{}' lies on storage '{}', which has no snapshots", name,
                            storage->name()))
        .withHint("a storage of tier thin has; 'vsctl clone' makes a full copy");
  return storage;
}

bool hasSnapshot(const storage::Engine& storage, const std::string& name,
                 const std::string& snapshot) {
  const std::vector<storage::Snapshot> all = storage.listSnapshots(name);
  return std::ranges::find(all, snapshot, &storage::Snapshot::name) != all.end();
}

void needSnapshot(const Host& host, const std::string& name, const std::string& snapshot) {
  const auto storage = storageWithSnapshots(host, name);
  checkName(snapshot, "snapshot name");
  if (!hasSnapshot(*storage, name, snapshot))
    throw Error(Kind::NotFound, fmt::format("context '{}' has no snapshot '{}'", name, snapshot))
        .withHint(fmt::format("'vsctl snapshot list {}' shows those it has", name));
}

std::string snapshotName() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return text;
}

void checkSnapshotCreate(const Host& host, const std::string& name, const std::string& snapshot) {
  const auto storage = storageWithSnapshots(host, name);
  checkName(snapshot, "snapshot name");
  if (snapshot.starts_with(kAutoPrefix))
    throw invalid("snapshot name '{}' is not usable: those that a schedule takes begin with '{}'",
                  snapshot, kAutoPrefix);
  if (snapshot == kExportSnapshot)
    throw invalid("a snapshot cannot be called '{}': an export's is", snapshot)
        .withHint("take another name");
  mustNotBeUndo(name, snapshot);
  if (hasSnapshot(*storage, name, snapshot))
    throw Error(Kind::Exists,
                fmt::format("context '{}' has a snapshot '{}' already", name, snapshot));
}

void createSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                    Operation& operation) {
  operation.step("take it");
  operation.passPointOfNoReturn();
  storageOf(host, name)->createSnapshot(name, snapshot, storage::MadeBy::User);
}

void checkSnapshotRestore(const Host& host, const std::string& name, const std::string& snapshot) {
  needSnapshot(host, name, snapshot);
  mustNotBeUndo(name, snapshot);
  const ContextPicture context = host.contexts.find(name);
  if (!isDown(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("cannot restore context '{}': it is {}", name, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'", name));
}

void restoreSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                     Operation& operation) {
  operation.step("put its volume back");
  operation.passPointOfNoReturn();
  putBack(host, name, snapshot);
}

void putBack(const Host& host, const std::string& name, const std::string& snapshot) {
  const auto storage = storageOf(host, name);
  storage->restoreSnapshot(name, snapshot);
  // One of a time when it was larger.
  Definition definition = host.contexts.find(name).definition;
  if (!definition.size || definition.size == storage->sizeOf(name)) return;
  definition.size = storage->sizeOf(name);
  host.contexts.replaceDefinition(definition);
  storage->saveDefinition(name, toJson(definition).dump());
}

void checkSnapshotRemove(const Host& host, const std::string& name, const std::string& snapshot) {
  needSnapshot(host, name, snapshot);
  mustNotBeUndo(name, snapshot);
  if (hasCheckpoint(host, name, snapshot))
    throw Error(
        Kind::InvalidState,
        fmt::format("snapshot '{}' of context '{}' belongs to its checkpoint", snapshot, name))
        .withHint(fmt::format("'vsctl checkpoint remove {} {}' removes both", name, snapshot));
}

void removeSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                    Operation& operation) {
  operation.step("remove it");
  operation.passPointOfNoReturn();
  storageOf(host, name)->removeSnapshot(name, snapshot);
}

void checkResize(const Host& host, const std::string& name, Bytes size) {
  const ContextPicture context = host.contexts.find(name);
  const auto storage = storageOf(host, name);
  if (!storage->capabilities().growOnline)
    throw Error(Kind::Unsupported,
                fmt::format("cannot resize context '{}': storage '{}' has no sizes: "
                            "a volume can use all of its file system",
                            name, storage->name()));
  const std::optional<Bytes> now = storage->sizeOf(name);
  if (now && size < *now && !isDown(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("cannot shrink context '{}' from {} to {}: it is {}", name,
                            formatBytes(*now), formatBytes(size), nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'; unused space of a volume takes "
                              "none of its storage",
                              name));
  if (now && size > *now) checkPromise(host, *storage, {size.value - now->value});
}

void resize(const Host& host, const std::string& name, Bytes size, Operation& operation) {
  const auto storage = storageOf(host, name);
  const bool smaller = size < storage->sizeOf(name).value_or(Bytes{0});
  operation.step(smaller ? "shrink its volume" : "grow its volume");
  operation.passPointOfNoReturn();
  if (smaller)
    storage->shrink(name, size);
  else
    storage->grow(name, size);

  operation.step("record it");
  Definition definition = host.contexts.find(name).definition;
  definition.size = storage->sizeOf(name);
  host.contexts.replaceDefinition(definition);
  storage->saveDefinition(name, toJson(definition).dump());
}

void checkFsck(const Host& host, const std::string& name, storage::Repair repair) {
  const ContextPicture context = host.contexts.find(name);
  if (repair == storage::Repair::Yes && !isDown(context.state))
    throw Error(Kind::InvalidState, fmt::format("cannot mend the file system of context '{}': it "
                                                "is {}",
                                                name, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'", name));
}

void fsck(const Host& host, const std::string& name, storage::Repair repair, Operation& operation) {
  checkFsck(host, name, repair);
  const auto storage = storageOf(host, name);
  if (repair == storage::Repair::Yes) {
    operation.step("take a snapshot of it as it is");
    const std::string snapshot = "fsck-" + snapshotName();
    storage->createSnapshot(name, snapshot, storage::MadeBy::User);
    operation.note(fmt::format("it is kept as it was in snapshot '{}'", snapshot));
  }
  operation.step("check its file system");
  operation.passPointOfNoReturn();
  const storage::CheckReport report = storage->checkVolume(name, repair);
  if (!report.good)
    throw failed("the file system of context '{}' has errors: {}", name, report.text)
        .withHint(fmt::format("stop it and run 'vsctl fsck --repair {}', or go back to a snapshot "
                              "of 'vsctl snapshot list {}'",
                              name, name));
  operation.note(report.mended ? "mended: " + report.text : "nothing is wrong with it");
}

}  // namespace vs
