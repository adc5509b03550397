#include "vsd/storage/thin_setup.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/lvm_setup.hpp"
#include "vsd/storage/thin_engine.hpp"

namespace vs::storage {
namespace {

constexpr Bytes kSmallestPool = 256_MiB;

bool hasPool(const Lvm& lvm, const std::string& group) {
  const std::vector<LogicalVolume> volumes = lvm.volumes(group);
  return std::ranges::find(volumes, kPoolName, &LogicalVolume::name) != volumes.end();
}

void removeVolumes(const Lvm& lvm, const std::string& group) {
  std::vector<std::string> words = {"lvremove"};
  for (const LogicalVolume& volume : lvm.volumes(group))
    words.push_back(fmt::format("{}/{}", group, volume.name));
  if (words.size() > 1) lvm.change(fmt::format("empty volume group '{}'", group), std::move(words));
}

// A group that was made for a storage; it stays when somebody else has put volumes into it.
void removeGroup(const Lvm& lvm, const std::string& name) {
  removeVolumes(lvm, name);
  const std::optional<VolumeGroup> group = lvm.group(name);
  if (!group) return;
  if (group->volumes > 0) {
    log::warning("volume group '{}' stays: {} volumes in it are not vsd's", name, group->volumes);
    return;
  }
  std::vector<std::string> words = {"pvremove"};
  for (std::string& device : lvm.devices(name)) words.push_back(std::move(device));
  lvm.change(fmt::format("remove volume group '{}'", name), {"vgremove", name});
  lvm.change(fmt::format("give the devices of volume group '{}' back", name), std::move(words));
}

}  // namespace

void checkThinSetup(Runner& runner, const ThinSetup& setup) {
  // LVM activates no thin pool that it cannot check.
  findProgram("lvm", "lvm2");
  findProgram("thin_check", "thin-provisioning-tools");
  needFileSystem(setup.fileSystem);
  const Lvm lvm(runner);
  const std::optional<VolumeGroup> group = lvm.group(setup.group);
  if (!setup.device.empty()) {
    if (group)
      throw Error(Kind::Exists, fmt::format("volume group '{}' exists already", setup.group))
          .withHint("name another with --vg, or leave --device away to use its free space");
    checkDevice(runner, setup.device, setup.wipe);
    return;
  }
  if (!group)
    throw Error(Kind::NotFound,
                fmt::format("there is no volume group '{}'", printable(setup.group)))
        .withHint("'vgs' shows those there are; --device makes one");
  if (!group->lockType.empty())
    throw invalid("volume group '{}' is shared between hosts ({})", setup.group, group->lockType)
        .withHint("tier thin is for a local one");
  const Bytes wanted = setup.size.value_or(kSmallestPool);
  if (group->free < wanted)
    throw Error(Kind::Failed,
                fmt::format("volume group '{}' has {} free, {} are needed", setup.group,
                            formatBytes(group->free), formatBytes(wanted)),
                ENOSPC)
        .withHint("give the group another disk with vgextend, or ask for less with --size");
  if (hasPool(lvm, setup.group))
    throw Error(Kind::Exists,
                fmt::format("volume group '{}' has a pool '{}' already: it belongs to "
                            "another storage",
                            setup.group, kPoolName));
}

std::vector<std::string> planThinSetup(const ThinSetup& setup) {
  std::vector<std::string> plan;
  if (!setup.device.empty()) {
    if (setup.wipe) plan.push_back(fmt::format("destroy what '{}' holds", setup.device));
    plan.push_back(fmt::format("make the volume group '{}' on '{}'", setup.group, setup.device));
  }
  plan.push_back(fmt::format("make the thin pool '{}/{}' ({})", setup.group, kPoolName,
                             setup.size ? formatBytes(*setup.size) : "95 % of its free space"));
  return plan;
}

void setUpThin(Runner& runner, const ThinSetup& setup) {
  const Lvm lvm(runner);
  if (setup.device.empty()) {
    lvm.change(fmt::format("tag volume group '{}'", setup.group),
               {"vgchange", "--addtag", storageTag(setup.name), "--addtag",
                fileSystemTag(setup.fileSystem), setup.group});
  } else {
    if (setup.wipe) wipeDevice(runner, setup.device);
    lvm.change(fmt::format("make volume group '{}'", setup.group),
               {"vgcreate", "--addtag", kOurTag, "--addtag", storageTag(setup.name), "--addtag",
                fileSystemTag(setup.fileSystem), setup.group, setup.device});
  }
  std::vector<std::string> words = {"lvcreate", "--type",   "thin-pool", "-n",
                                    kPoolName,  "--addtag", kOurTag};
  if (setup.size)
    words.insert(words.end(), {"-L", fmt::format("{}b", setup.size->value)});
  else
    words.insert(words.end(), {"-l", "95%FREE"});
  words.push_back(setup.group);
  lvm.change(fmt::format("make the thin pool of volume group '{}'", setup.group), std::move(words));
}

bool hasThinPool(Runner& runner, const std::string& group) { return hasPool(Lvm(runner), group); }

void tearDownThin(Runner& runner, const std::string& name, const std::string& group) {
  const Lvm lvm(runner);
  const std::optional<VolumeGroup> there = lvm.group(group);
  const auto has = [&](const std::string& tag) {
    return std::ranges::find(there->tags, tag) != there->tags.end();
  };
  if (!there || !has(storageTag(name))) return;
  if (has(kOurTag)) return removeGroup(lvm, group);
  removeVolumes(lvm, group);
  lvm.change(fmt::format("take the tags from volume group '{}'", group),
             {"vgchange", "--deltag", storageTag(name), "--deltag",
              fileSystemTag(fileSystemOf(*there)), group});
}

}  // namespace vs::storage
