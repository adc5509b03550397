// What of LvmEngine only reads: snapshots mounted beside their volumes, with their figures.
#include <algorithm>

#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {

Snapshot LvmEngine::showSnapshot(const std::string& name, const std::string& snapshot) const {
  forgetTable();
  const std::vector<Snapshot> all = listSnapshots(name);
  const auto found = std::ranges::find(all, snapshot, &Snapshot::name);
  if (found == all.end()) throw noSnapshot(name, snapshot);
  Snapshot shown = *found;
  // LVM tells it of active volumes only.
  const double percent =
      get(snapshotVolume(name, snapshot), noSnapshot(name, snapshot)).dataPercent;
  if (percent > 0)
    shown.mapped = {
        static_cast<std::uint64_t>(static_cast<double>(shown.size.value) * percent / 100)};
  return shown;
}

std::shared_ptr<const OpenTree> LvmEngine::openMoment(const std::string& name) {
  get(contextVolume(name), noVolume(name));
  const std::string volume = momentVolume(name);
  const auto close = [this, name, volume] {
    unmountHeld(volume);
    if (find(volume)) remove({volume}, fmt::format("remove what was read of volume '{}'", name));
    putDownUnused(name);
  };
  close();  // of an earlier attempt that could not be closed
  Rollback undo;
  undo.add("remove what was to be read", close);
  snapshotOf(contextVolume(name), volume, {});
  auto tree = std::make_shared<const OpenTree>(mount(volume, Access::ReadReplayed), close);
  undo.commit();
  return tree;
}

void LvmEngine::closeViews(const std::set<std::string>& inUse,
                           std::vector<std::string>& sentences) {
  const Table known = table();
  for (const auto& [volume, description] : known) {
    const std::string name = contextOfSnapshot(volume);
    if (name.empty() || inUse.contains(name) || !isHere(known, description)) continue;
    if (isMounted(mountPoint(volume)) || dm::find(upper(volume))) unmountHeld(volume);
    if (volume != momentVolume(name)) continue;
    remove({volume}, fmt::format("remove what was read of volume '{}'", name));
    sentences.push_back(
        fmt::format("removed what was read of volume '{}' on storage '{}'", name, name_));
  }
}

}  // namespace vs::storage
