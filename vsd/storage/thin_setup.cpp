#include "vsd/storage/thin_setup.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/lvm.hpp"
#include "vsd/storage/thin_engine.hpp"

namespace vs::storage {
namespace {

constexpr Bytes kSmallestPool = 256_MiB;

std::string storageTag(const std::string& name) { return "vs.storage=" + name; }

bool has(const std::vector<std::string>& tags, const std::string& tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

// "ext4 'label'" for each signature that wipefs(8) knows.
std::vector<std::string> signaturesOn(Runner& runner, const std::string& device) {
  Command wipefs;
  wipefs.argv = {findProgram("wipefs", "util-linux"), "--no-act", "--json", device};
  const Output output = runner.mustRun(wipefs, fmt::format("look for data on '{}'", device));
  std::vector<std::string> found;
  if (output.out.find('{') == std::string::npos) return found;
  const Json json = parseJson(output.out, "the report of wipefs");
  for (const Json& signature : json.at("signatures")) {
    std::string text = printable(signature.value("type", "data"));
    if (const auto label = signature.find("label"); label != signature.end() && label->is_string())
      text += fmt::format(" '{}'", printable(label->get<std::string>()));
    if (std::find(found.begin(), found.end(), text) == found.end()) found.push_back(text);
  }
  return found;
}

void checkDevice(Runner& runner, const std::string& device, bool wipe) {
  struct stat status {};
  if (!device.starts_with("/dev/"))
    throw invalid("'{}' is no device: its path begins with /dev/", printable(device));
  if (::stat(device.c_str(), &status) < 0 || !S_ISBLK(status.st_mode))
    throw invalid("'{}' is no block device", printable(device))
        .withHint("lsblk shows those there are");
  // The kernel refuses it as long as the device is mounted or part of something (open(2), O_EXCL).
  const Fd claimed(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  if (!claimed)
    throw Error(errno == EBUSY ? Kind::Busy : Kind::Failed,
                fmt::format("cannot use device '{}': {}", device,
                            errno == EBUSY ? "it is mounted or part of something else"
                                           : printable(::strerror(errno))))
        .withHint(fmt::format("'lsblk {}' shows by what", device));
  const std::vector<std::string> found = signaturesOn(runner, device);
  if (!found.empty() && !wipe)
    throw Error(Kind::InvalidState,
                fmt::format("device '{}' holds data: {}", device, fmt::join(found, ", ")))
        .withHint("name another device, or destroy what it holds with --force=wipe");
}

bool hasPool(const Lvm& lvm, const std::string& group) {
  const std::vector<LogicalVolume> volumes = lvm.volumes(group);
  return std::ranges::find(volumes, kPoolName, &LogicalVolume::name) != volumes.end();
}

void wipeDevice(Runner& runner, const std::string& device) {
  Command wipefs;
  wipefs.argv = {findProgram("wipefs", "util-linux"), "--all", "--force", device};
  runner.mustRun(wipefs, fmt::format("wipe '{}'", device));
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
  findProgram("mkfs.ext4", "e2fsprogs");
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
               {"vgchange", "--addtag", storageTag(setup.name), setup.group});
  } else {
    if (setup.wipe) wipeDevice(runner, setup.device);
    lvm.change(fmt::format("make volume group '{}'", setup.group),
               {"vgcreate", "--addtag", kOurTag, "--addtag", storageTag(setup.name), setup.group,
                setup.device});
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

bool hasGroup(Runner& runner, const std::string& group) {
  return Lvm(runner).group(group).has_value();
}

std::vector<FoundStorage> findThinStorages(Runner& runner) {
  std::vector<FoundStorage> found;
  if (findProgramIfAny("lvm").empty()) return found;
  const Lvm lvm(runner);
  for (const VolumeGroup& group : lvm.groups())
    for (const std::string& tag : group.tags)
      if (tag.starts_with(storageTag("")) && hasPool(lvm, group.name))
        found.push_back({tag.substr(storageTag("").size()), group.name});
  return found;
}

void tearDownThin(Runner& runner, const std::string& name, const std::string& group) {
  const Lvm lvm(runner);
  const std::optional<VolumeGroup> there = lvm.group(group);
  if (!there || !has(there->tags, storageTag(name))) return;
  if (has(there->tags, kOurTag)) return removeGroup(lvm, group);
  removeVolumes(lvm, group);
  lvm.change(fmt::format("take the tag from volume group '{}'", group),
             {"vgchange", "--deltag", storageTag(name), group});
}

}  // namespace vs::storage
