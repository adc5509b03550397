#include "vsd/ops/checkpoints.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/resume.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/snapshots.hpp"
#include "vsd/ops/suspend.hpp"

namespace vs {
namespace {

constexpr Millis kFreezeTime{10'000};

std::string directoryOf(const Host& host, const std::string& name) {
  return host.paths.checkpoints() + "/" + name;
}

MemoryPlace placeOf(const Host& host, const std::string& name, const std::string& point) {
  return MemoryPlace(directoryOf(host, name) + "/" + point);
}

void needCheckpoint(const Host& host, const std::string& name, const std::string& point) {
  host.contexts.find(name);
  checkName(point, "checkpoint name");
  if (!hasCheckpoint(host, name, point))
    throw Error(Kind::NotFound, fmt::format("context '{}' has no checkpoint '{}'", name, point))
        .withHint(fmt::format("'vsctl checkpoint list {}' shows those it has", name));
}

void checkCreate(const Host& host, const std::string& name, const std::string& point,
                 Obstacles look) {
  checkDump(host, name, look, "take a checkpoint of");
  if (hasCheckpoint(host, name, point))
    throw Error(Kind::Exists,
                fmt::format("context '{}' has a checkpoint '{}' already", name, point));
  checkSnapshotCreate(host, name, point);
}

void checkRestore(const Host& host, const std::string& name, const std::string& point) {
  needCheckpoint(host, name, point);
  const ContextPicture context = host.contexts.find(name);
  if (!isAtRest(context.state))
    throw Error(Kind::InvalidState, fmt::format("cannot put context '{}' back to a checkpoint: it "
                                                "is {}",
                                                name, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'; --kill is quicker", name));
  needSnapshot(host, name, point);
  mustHaveCriu();
  mustFitHost(readManifest(placeOf(host, name, point)), fmt::format("checkpoint '{}'", point));
  checkLinks(host, context.definition);
}

Checkpoint pictureOf(const Host& host, const std::string& name, const std::string& point) {
  Checkpoint checkpoint;
  checkpoint.name = point;
  try {
    const checkpoint::Manifest manifest = readManifest(placeOf(host, name, point));
    checkpoint.created = manifest.created;
    checkpoint.kernel = manifest.kernel;
    checkpoint.memory = Bytes{std::accumulate(
        manifest.files.begin(), manifest.files.end(), std::uint64_t{0},
        [](std::uint64_t sum, const checkpoint::ImageFile& file) { return sum + file.size; })};
    mustFitHost(manifest, "it");
    if (!hasSnapshot(*storageOf(host, name), name, point))
      checkpoint.troubles.push_back(
          fmt::format("the snapshot '{}' of its volume is not there any more", point));
  } catch (const Error& error) {
    checkpoint.troubles.push_back(error.text());
  }
  return checkpoint;
}

}  // namespace

bool hasCheckpoint(const Host& host, const std::string& name, const std::string& point) {
  return isValidName(point) && placeOf(host, name, point).isTaken();
}

std::vector<Checkpoint> listCheckpoints(const Host& host, const std::string& name) {
  host.contexts.find(name);
  std::vector<Checkpoint> all;
  for (const std::string& point : listDirectory(directoryOf(host, name)))
    if (hasCheckpoint(host, name, point)) all.push_back(pictureOf(host, name, point));
  std::ranges::stable_sort(all, {}, &Checkpoint::created);
  return all;
}

Checkpoint showCheckpoint(const Host& host, const std::string& name, const std::string& point) {
  needCheckpoint(host, name, point);
  return pictureOf(host, name, point);
}

std::vector<std::string> planCreateCheckpoint(const Host& host, const std::string& name,
                                              const std::string& point, Obstacles look) {
  checkCreate(host, name, point, look);
  return {fmt::format("freeze every task of context '{}' and take its links off the wire", name),
          fmt::format("save its memory to {}", placeOf(host, name, point).directory()),
          fmt::format("take the snapshot '{}' of the volume '{}'", point, name), "let it go on"};
}

void createCheckpoint(const Host& host, const std::string& name, const std::string& point,
                      Obstacles look, Operation& operation) {
  checkCreate(host, name, point, look);
  const ContextPicture context = host.contexts.find(name);
  const MemoryPlace place = placeOf(host, name, point);
  const auto storage = storageOf(host, name);
  Rollback undo;

  operation.step("make a place for its memory");
  undo.add("remove its memory image", [place] { place.abandon(); });
  const Fd images = place.begin();

  PacketHold hold = standStill(host, context, undo, operation);
  const auto seal = [&] {
    operation.step("take a snapshot of its volume");
    undo.add("remove its snapshot", [storage, name, point, place] {
      place.useUp();  // in force or not
      place.removeRemains();
      if (hasSnapshot(*storage, name, point)) storage->removeSnapshot(name, point);
    });
    storage->createSnapshot(name, point, storage::MadeBy::User);
    operation.passPointOfNoReturn();
    place.commit();
  };
  saveMemory(host, context, place, images, Afterwards::GoOn, seal, operation);
  undo.commit();

  operation.step("let it go on");
  hold.letGo();
  plugLinks(host, context.definition, context.running->init.pid());
  if (context.state == State::Frozen) return;
  cgroupOf(host, name).thaw(kFreezeTime);
  host.contexts.setState(name, State::Running);
}

void undoCreateCheckpoint(const Host& host, const std::string& name, const std::string& point) {
  if (!host.contexts.findIfAny(name) || hasCheckpoint(host, name, point)) return;
  placeOf(host, name, point).removeRemains();
  const auto storage = storageOf(host, name);
  if (hasSnapshot(*storage, name, point)) storage->removeSnapshot(name, point);
}

std::vector<std::string> planRestoreCheckpoint(const Host& host, const std::string& name,
                                               const std::string& point) {
  checkRestore(host, name, point);
  std::vector<std::string> plan;
  if (host.contexts.find(name).state == State::Suspended) plan.push_back("give its memory up");
  plan.push_back(fmt::format("destroy what the volume '{}' holds now", name));
  plan.push_back(fmt::format("make it again from its snapshot '{}', which stays", point));
  plan.push_back(
      fmt::format("restore its processes from {}", placeOf(host, name, point).directory()));
  return plan;
}

void restoreCheckpoint(const Host& host, const std::string& name, const std::string& point,
                       Operation& operation) {
  checkRestore(host, name, point);
  operation.step("look at the checkpoint");  // before anything is lost for it
  openMemoryImage(placeOf(host, name, point), host.contexts.find(name).definition);
  if (host.contexts.find(name).state == State::Suspended) giveUpMemory(host, name, operation);

  operation.step(kPutBackStep);
  operation.passPointOfNoReturn();
  putBack(host, name, point);

  operation.step("put its memory in place");
  memoryOf(host, name).beginFrom(placeOf(host, name, point));
  memoryOf(host, name).commit();
  host.contexts.setEnded(name, State::Suspended, fmt::format("put back to checkpoint '{}'", point));
  resume(host, name, {}, operation);
}

void finishRestoreCheckpoint(const Host& host, const std::string& name, const std::string& point,
                             Operation& operation) {
  // Its memory is put in place when its volume is back: suspended, it waits for nothing else.
  const State state = host.contexts.find(name).state;
  if (state == State::Suspended) resume(host, name, {}, operation);
  if (isDown(state)) restoreCheckpoint(host, name, point, operation);
}

std::vector<std::string> planRemoveCheckpoint(const Host& host, const std::string& name,
                                              const std::string& point) {
  needCheckpoint(host, name, point);
  return {fmt::format("remove the memory in {}", placeOf(host, name, point).directory()),
          fmt::format("remove the snapshot '{}' of the volume '{}'", point, name)};
}

void removeCheckpoint(const Host& host, const std::string& name, const std::string& point,
                      Operation& operation) {
  operation.step("remove its memory");
  operation.passPointOfNoReturn();
  placeOf(host, name, point).useUp();
  placeOf(host, name, point).removeRemains();

  operation.step("remove its snapshot");
  const auto storage = storageOf(host, name);
  if (hasSnapshot(*storage, name, point)) storage->removeSnapshot(name, point);
}

void removeCheckpointRemains(const Host& host, const std::string& name) {
  for (const std::string& entry : listDirectory(directoryOf(host, name)))
    placeOf(host, name, entry.substr(0, entry.rfind('.'))).removeRemains();
}

void renameCheckpoints(const Host& host, const std::string& from, const std::string& to) {
  if (!exists(directoryOf(host, from)) || exists(directoryOf(host, to))) return;
  check(::rename(directoryOf(host, from).c_str(), directoryOf(host, to).c_str()),
        "rename the checkpoints of '{}'", from);
}

void forgetCheckpoints(const Host& host, const std::string& name) {
  removeTree(directoryOf(host, name));
}

}  // namespace vs
