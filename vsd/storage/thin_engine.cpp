#include "vsd/storage/thin_engine.hpp"

#include <algorithm>

#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/storage/lvm_setup.hpp"

namespace vs::storage {
ThinEngine::ThinEngine(std::string name, std::string group, const Paths& paths, Runner& runner)
    : LvmEngine(std::move(name), std::move(group), paths, runner, Sharing::Local) {}

Capabilities ThinEngine::capabilities() const {
  Capabilities can;
  can.tier = "thin";
  can.instantCopy = true;
  can.snapshots = true;
  can.growOnline = true;
  can.sizeEnforced = true;
  can.ownDevice = true;
  can.sizesTemplates = true;
  can.copyMethod = "thin snapshot";
  return can;
}

Space ThinEngine::space() const {
  forgetTable();
  const LogicalVolume pool =
      get(kPoolName,
          failed("storage '{}': volume group '{}' has no pool '{}'", name(), group(), kPoolName));
  const std::optional<VolumeGroup> found = lvm().group(group());
  Space space;
  space.size = pool.size;
  space.used = {
      static_cast<std::uint64_t>(static_cast<double>(pool.size.value) * pool.dataPercent / 100)};
  space.metadataPercent = pool.metadataPercent;
  space.growth = found ? found->free : Bytes{0};
  if (found) space.fileSystem = fileSystemOf(*found);
  for (const auto& [volume, description] : table())
    if (volume != kPoolName) space.promised.value += description.size.value;
  return space;
}

std::string ThinEngine::beginTemplate(const std::string& name, std::optional<Bytes> content) {
  checkName(name, "template name");
  abandonTemplate(name);
  const std::string volume = templateVolume(name);
  LogicalVolume wanted;
  wanted.name = volume;
  wanted.size = std::max(defaultSize(), spaceFor(content.value_or(Bytes{0})));
  wanted.pool = kPoolName;
  wanted.tags = {kOurTag, kUnfinished};
  createThin(wanted);
  return beginTree(volume, Content::Zeros);
}

void ThinEngine::createFromTemplate(const CreateRequest& request, const Progress& progress) {
  checkName(request.name, "volume name");
  templateDescription(request.templateName);
  const LogicalVolume from =
      get(templateVolume(request.templateName), noTemplate(request.templateName));
  if (hasVolume(request.name)) throw volumeExists(request.name);
  if (request.size && *request.size < from.size)
    throw invalid("volume '{}' cannot have {}: template '{}' has {}", request.name,
                  formatBytes(*request.size), request.templateName, formatBytes(from.size))
        .withHint("leave the size away, or give a larger one: unused space of a volume takes none");
  if (progress) progress(0);
  const std::string volume = contextVolume(request.name);
  snapshotOf(templateVolume(request.templateName), volume,
             tagsFrom(kDefinitionTag, request.definition));
  const Bytes size = request.size.value_or(std::max(defaultSize(), from.size));
  if (size > from.size) {
    Rollback undo;
    undo.add("remove the volume", [this, name = request.name] { destroy(name); });
    grow(request.name, size);
    undo.commit();
  }
}

void ThinEngine::createEmpty(const CreateRequest& request) {
  checkName(request.name, "volume name");
  if (hasVolume(request.name)) throw volumeExists(request.name);
  createEmptyIn(kPoolName, request);
}

void ThinEngine::clone(const std::string& from, const CreateRequest& request, const Progress&) {
  checkName(request.name, "volume name");
  get(contextVolume(from), noVolume(from));
  if (hasVolume(request.name)) throw volumeExists(request.name);
  snapshotOf(contextVolume(from), contextVolume(request.name),
             tagsFrom(kDefinitionTag, request.definition));
}

}  // namespace vs::storage
