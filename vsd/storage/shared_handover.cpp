// A volume that goes from host to host: taken when nobody uses it, or handed over under frozen
// tasks.
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/block_fs.hpp"
#include "vsd/storage/shared_engine.hpp"

namespace vs::storage {

void SharedEngine::takeOwnership(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  forgetTable();
  if (!ownerOf(name)) throw noVolume(name);
  if (isMounted(mountPoint(volume))) return finishTakeOver(name);  // it came by a hand-over
  lock(name);
  Rollback undo;
  undo.add("let the volume go", [this, name] { letGo(name); });
  const std::optional<Owner> owner = ownerOf(name);
  if (!owner) throw noVolume(name);
  std::vector<std::string> sentences;
  settleEpochs(name, sentences);
  if (owner->host != host_) writeOwner(name, {host_, owner->epoch + 1});
  undo.commit();
  putDown(volume);
}

void SharedEngine::release(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  mustOwn(name);
  if (!isMounted(mountPoint(volume))) return putDown(volume);
  Rollback undo;
  undo.add("let its users go on", [this, volume] { thaw(mountPoint(volume)); });
  holdStill(mountPoint(volume));
  undo.add("put its device back",
           [this, volume] { dm::reloadLinear(upper(volume), device(volume)); });
  // The file system is still: nothing is under way any more.
  dm::replaceByError(upper(volume), dm::UnderWay::Wait);
  letGo(name);
  undo.commit();
}

void SharedEngine::takeBack(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  if (!isMounted(mountPoint(volume))) return;
  if (!dm::isCutOff(upper(volume))) return;  // it is back already
  forgetTable();
  lock(name);
  Rollback undo;
  undo.add("let the volume go", [this, name] { letGo(name); });
  mustOwn(name);
  undo.commit();
  dm::reloadLinear(upper(volume), device(volume));
  thaw(mountPoint(volume));
  std::vector<std::string> sentences;
  settleEpochs(name, sentences);
  for (const std::string& sentence : sentences) log::info("{}", sentence);
}

bool SharedEngine::isReleased(const std::string& name) const {
  const std::string volume = contextVolume(name);
  return isMounted(mountPoint(volume)) && dm::isCutOff(upper(volume));
}

std::string SharedEngine::takeOver(const std::string& name, std::uint64_t epoch) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  const std::string fresh = epochVolume(name, epoch);
  forgetTable();
  const std::optional<Owner> owner = ownerOf(name);
  if (!owner) throw noVolume(name);
  if (epoch != owner->epoch + 1)
    throw Error(Kind::InvalidState, fmt::format("cannot take volume '{}' over for epoch {}: it is "
                                                "in epoch {}",
                                                name, epoch, owner->epoch));
  if (find(fresh)) {  // of an attempt that was cut off
    activate(name, fresh);
    unmountVolume(volume);
    remove({fresh}, fmt::format("remove what was left of taking over '{}'", name));
  }
  const std::vector<std::string> definition =
      tagsWithPrefix(get(volume, noVolume(name)), kDefinitionTag);
  Rollback undo;
  undo.add("let the volume go", [this, name, epoch] { giveUpTakeOver(name, epoch); });
  try {
    snapshotOf(volume, fresh, definition);
  } catch (const Error& error) {
    if (error.kind() != Kind::Busy) throw;
    throw Error(Kind::Busy, fmt::format("volume '{}' on storage '{}' is in use on host '{}'", name,
                                        this->name(), owner->host))
        .withHint("it has to be released there first");
  }
  std::string root = mount(volume, fresh, Access::ReadWrite);
  undo.commit();
  return root;
}

void SharedEngine::commitTakeOver(const std::string& name, std::uint64_t epoch) {
  if (!isActive(epochVolume(name, epoch)))
    throw Error(Kind::InvalidState,
                fmt::format("volume '{}' was not taken over for epoch {}", name, epoch));
  writeOwner(name, {host_, epoch});
}

void SharedEngine::finishTakeOver(const std::string& name) {
  const Owner owner = mustOwn(name);
  const std::string fresh = epochVolume(name, owner.epoch);
  const std::string volume = contextVolume(name);
  if (!find(fresh)) return;
  if (find(volume)) remove({volume}, fmt::format("remove what volume '{}' was before", name));
  renameVolume(fresh, volume);
}

void SharedEngine::giveUpTakeOver(const std::string& name, std::uint64_t epoch) {
  forgetTable();
  const std::optional<Owner> owner = ownerOf(name);
  if (owner && (owner->epoch >= epoch || owner->host == host_))
    throw Error(Kind::InvalidState,
                fmt::format("cannot give volume '{}' back: it is that of host '{}' in epoch {}",
                            name, owner->host, owner->epoch));
  unmountVolume(contextVolume(name));
  const std::string fresh = epochVolume(name, epoch);
  if (find(fresh)) remove({fresh}, fmt::format("give volume '{}' back", name));
  putDown(contextVolume(name));
}

}  // namespace vs::storage
