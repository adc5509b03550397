#include <algorithm>

#include "vsd/base/names.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {
namespace {

constexpr const char* kTimeTag = "vs.at";
constexpr const char* kScheduleTag = "vs.by=schedule";
constexpr const char* kUndoTag = "vs.by=undo";

}  // namespace

void LvmEngine::createSnapshot(const std::string& name, const std::string& snapshot, MadeBy by) {
  checkName(snapshot, "snapshot name");
  if (!isMounted(mountPoint(contextVolume(name)))) bringUp(name);
  const LogicalVolume volume = get(contextVolume(name), noVolume(name));
  if (find(snapshotVolume(name, snapshot)))
    throw Error(Kind::Exists,
                fmt::format("volume '{}' has a snapshot '{}' already", name, snapshot));
  std::vector<std::string> tags = tagsWithPrefix(volume, kDefinitionTag);  // of that moment
  tags.push_back(fmt::format("{}={}", kTimeTag, now()));
  if (by == MadeBy::Schedule) tags.emplace_back(kScheduleTag);
  if (by == MadeBy::Undo) tags.emplace_back(kUndoTag);
  snapshotOf(volume.name, snapshotVolume(name, snapshot), tags);
  putDownUnused(name);
}

void LvmEngine::removeSnapshot(const std::string& name, const std::string& snapshot) {
  if (!find(snapshotVolume(name, snapshot))) throw noSnapshot(name, snapshot);
  remove({snapshotVolume(name, snapshot)},
         fmt::format("remove snapshot '{}' of volume '{}'", snapshot, name));
  putDownUnused(name);
}

// A pool is put down as a whole: only when nothing of what is in it is mounted.
void LvmEngine::putDownUnused(const std::string& name) {
  const std::string volume = contextVolume(name);
  if (isMounted(mountPoint(volume))) return;
  for (const auto& [other, description] : table())
    if (contextOfSnapshot(other) == name && isMounted(mountPoint(other))) return;
  putDown(volume);
}

std::shared_ptr<const OpenTree> LvmEngine::openSnapshot(const std::string& name,
                                                        const std::string& snapshot) {
  const std::string volume = snapshotVolume(name, snapshot);
  if (!find(volume)) throw noSnapshot(name, snapshot);
  const auto close = [this, name, volume] {
    unmountHeld(volume);
    putDownUnused(name);
  };
  return std::make_shared<const OpenTree>(mount(volume, Access::ReadReplayed), close);
}

void LvmEngine::restoreSnapshot(const std::string& name, const std::string& snapshot) {
  const LogicalVolume volume = get(contextVolume(name), noVolume(name));
  const LogicalVolume point = get(snapshotVolume(name, snapshot), noSnapshot(name, snapshot));
  if (isMounted(mountPoint(volume.name)))
    throw Error(Kind::Busy, fmt::format("cannot restore volume '{}': it is in use", name));
  snapshotOf(point.name, freshVolume(name), tagsWithPrefix(volume, kDefinitionTag));
  replaceByFresh(name);
  if (point.size < volume.size) grow(name, volume.size);
  putDown(volume.name);
}

std::vector<Snapshot> LvmEngine::listSnapshots(const std::string& name) const {
  const std::string prefix = contextVolume(name) + ".";
  const auto madeBy = [](const LogicalVolume& snapshot) {
    if (snapshot.has(kUndoTag)) return MadeBy::Undo;
    return snapshot.has(kScheduleTag) ? MadeBy::Schedule : MadeBy::User;
  };
  std::vector<Snapshot> snapshots;
  for (const auto& [volume, description] : table())
    if (volume.starts_with(prefix))
      snapshots.push_back({volume.substr(prefix.size()), description.tagged(kTimeTag),
                           description.size, madeBy(description)});
  std::ranges::stable_sort(snapshots, {}, &Snapshot::created);
  return snapshots;
}

}  // namespace vs::storage
