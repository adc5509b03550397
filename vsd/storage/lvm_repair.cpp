#include "vsd/base/log.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {

CheckReport LvmEngine::checkVolume(const std::string& name, Repair repair) {
  const std::string volume = contextVolume(name);
  get(volume, noVolume(name));
  if (isMounted(mountPoint(volume))) {
    if (repair == Repair::Yes)
      throw Error(Kind::Busy, fmt::format("cannot mend volume '{}': it is in use", name))
          .withHint(fmt::format("stop it first with 'vsctl stop {}'", name));
    return checkSnapshotOf(name);
  }
  bringUp(name);
  Rollback down;
  down.add("let the volume go", [this, volume] { putDown(volume); });
  return checkReplayed(volume, repair);
}

// One that cannot even be mounted is checked as it is.
CheckReport LvmEngine::checkReplayed(const std::string& volume, Repair repair) {
  if (isCheckedReplayed(device(volume))) {
    try {
      mount(volume, Access::ReadWrite);
    } catch (const Error& error) {
      if (error.errnoValue() != EUCLEAN && error.errnoValue() != EBADMSG) throw;
      log::warning("{}", error.text());
    }
    unmountHeld(volume);
  }
  return checkFileSystem(runner_, device(volume), repair);
}

// Its file system is complete in a snapshot.
CheckReport LvmEngine::checkSnapshotOf(const std::string& name) {
  const std::string fresh = freshVolume(name);
  Rollback gone;
  gone.add("remove the snapshot that was checked",
           [this, fresh] { remove({fresh}, fmt::format("remove volume '{}'", path(fresh))); });
  snapshotOf(contextVolume(name), fresh, {});
  return checkReplayed(fresh, Repair::No);
}

void LvmEngine::shrink(const std::string& name, Bytes size) {
  const LogicalVolume volume = get(contextVolume(name), noVolume(name));
  if (isMounted(mountPoint(volume.name)))
    throw Error(Kind::Busy, fmt::format("cannot shrink volume '{}': it is in use", name));
  if (size >= volume.size) return;
  bringUp(name);
  Rollback down;
  down.add("let the volume go", [this, name] { putDown(contextVolume(name)); });
  // A copy shrinks; the volume stays as it is until that is done.
  const std::string fresh = freshVolume(name);
  Rollback undo;
  undo.add("remove the smaller copy", [this, fresh] {
    if (find(fresh)) remove({fresh}, fmt::format("remove volume '{}'", path(fresh)));
  });
  snapshotOf(volume.name, fresh, tagsWithPrefix(volume, kDefinitionTag));
  if (!shrinkFileSystem(runner_, device(fresh), size))
    throw Error(Kind::Unsupported, fmt::format("volume '{}' cannot shrink: its file system, {}, "
                                               "only grows",
                                               name, fileSystem()))
        .withHint("on a storage with ext4 it can: vsctl storage move");
  change(fmt::format("shrink volume '{}' to {}", name, formatBytes(size)),
         {"lvreduce", "--fs", "ignore", "-f", "-L", sizeWord(size), path(fresh)},
         [&](Table& table) { table[fresh].size = size; });
  replaceByFresh(name);
  undo.commit();
}

// At every moment either the old volume or the new one has the name, or the old one is found under
// its second name (finishChanges).
void LvmEngine::replaceByFresh(const std::string& name) {
  renameVolume(contextVolume(name), oldVolume(name));
  renameVolume(freshVolume(name), contextVolume(name));
  remove({oldVolume(name)}, fmt::format("remove what volume '{}' was before", name));
}

void LvmEngine::finishChanges(const std::set<std::string>& inUse,
                              std::vector<std::string>& sentences) {
  const Table known = table();
  for (const auto& [volume, description] : known) {
    const std::string name = nameIn(volume);
    if (volume != freshVolume(name) && volume != oldVolume(name)) continue;
    if (inUse.contains(name) || !isHere(known, description)) continue;
    if (volume == oldVolume(name) && !hasVolume(name)) {
      renameVolume(volume, contextVolume(name));
      sentences.push_back(fmt::format(
          "volume '{}' on storage '{}' is as it was before it was changed", name, name_));
    } else {
      unmountHeld(volume);  // it was being checked
      remove({volume}, fmt::format("remove what was left of changing volume '{}'", name));
    }
  }
}

}  // namespace vs::storage
