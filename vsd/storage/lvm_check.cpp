#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {
namespace {

using Level = Finding::State;

Finding diskFinding(const std::string& disk) {
  Finding finding{"", disk, Level::Ok, "is there", ""};
  try {
    int readOnly = 0;
    const Fd fd = openFile(disk, O_RDONLY | O_CLOEXEC);
    check(::ioctl(fd.get(), BLKROGET, &readOnly), "ask whether '{}' can be written", disk);
    if (readOnly == 0) return finding;
    finding.found = "can only be read";
    finding.remedy =
        "have it made writable for this host where it is exported, then 'blockdev "
        "--setrw' it";
  } catch (const Error& error) {
    finding.found = error.text();
    finding.remedy = "see 'lsblk', 'iscsiadm -m session' or the cables";
  }
  finding.state = Level::Missing;
  return finding;
}

// What a pool's mode says (thin-provisioning.rst, status of a pool).
Finding poolFinding(const std::string& pool, const dm::PoolUse& use) {
  Finding finding{
      "", "pool " + pool, Level::Ok,
      fmt::format("{:.0f} % full, {:.0f} % of its metadata", use.dataPercent, use.metadataPercent),
      ""};
  if (use.mode == "rw" && !use.needsCheck) return finding;
  finding.state = Level::Missing;
  finding.found += use.mode == "out_of_data_space" ? ", writers wait for room"
                   : use.mode == "rw"              ? ", its metadata have to be checked"
                                                   : fmt::format(", mode {}", use.mode);
  finding.remedy = use.mode == "out_of_data_space"
                       ? "add a disk with 'vgextend', or remove snapshots"
                       : "stop the contexts in it and run 'lvconvert --repair' on it";
  return finding;
}

}  // namespace

std::vector<Finding> LvmEngine::findings(const std::string&) const {
  std::vector<Finding> found;
  checkGroup(found);
  for (const Pool& pool : poolsInUse()) found.push_back(poolFinding(pool.name, pool.use));
  checkNames(found);
  checkFileSystems(found);
  for (const std::string& trouble : troubles())
    found.push_back({"", "room", Level::Degraded, trouble,
                     "add a disk with 'vgextend', or remove contexts or snapshots"});
  for (Finding& finding : found) finding.area = name_;
  return found;
}

void LvmEngine::checkGroup(std::vector<Finding>& findings) const {
  const std::optional<VolumeGroup> group = lvm_.group(group_);
  if (!group) {
    findings.push_back({"", "volume group", Level::Missing,
                        fmt::format("there is no volume group '{}'", group_),
                        "see 'vgs' and 'lsblk': is its disk there?"});
    return;
  }
  const bool whole = group->missing == 0;
  findings.push_back(
      {"", "volume group", whole ? Level::Ok : Level::Missing,
       fmt::format("'{}', {} of {} free{}", group_, formatBytes(group->free),
                   formatBytes(group->size),
                   whole ? "" : fmt::format(", {} of its disks missing", group->missing)),
       whole ? "" : "bring the disks back ('pvs' names them)"});
  for (const std::string& disk : lvm_.devices(group_))
    if (disk.starts_with('/')) findings.push_back(diskFinding(disk));
}

void LvmEngine::checkNames(std::vector<Finding>& findings) const {
  for (const std::string& volume : lvm_.foreignVolumes(group_))
    if (hasOurForm(volume))
      findings.push_back({"", "volume " + volume, Level::Degraded,
                          "is not vsd's, but has a name that vsd may want to give",
                          fmt::format("rename it: lvrename {} {} NEW", group_, volume)});
  for (const auto& [volume, description] : table()) {
    if (!isContext(volume)) continue;
    try {
      parseJson(textFrom(kDefinitionTag, description.tags), "its definition");
    } catch (const Error& error) {
      findings.push_back({"", "volume " + volume, Level::Missing,
                          fmt::format("does not tell of its context any more: {}", error.text()),
                          fmt::format("vsctl set {} --tag ... writes it again from what the host "
                                      "knows",
                                      nameIn(volume))});
    }
  }
}

void LvmEngine::checkFileSystems(std::vector<Finding>& findings) const {
  for (const auto& [volume, description] : table()) {
    const auto device = dm::numberOf(upper(volume));
    if (!isContext(volume) || !device || !isMounted(mountPoint(volume))) continue;
    struct statvfs status {};
    const bool readOnly =
        ::statvfs(mountPoint(volume).c_str(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
    if (!readOnly && !hasSeenErrors(mountPoint(volume), *device)) continue;
    findings.push_back({"", "file system of " + nameIn(volume), Level::Missing,
                        readOnly ? "has gone read-only after errors" : "has seen errors",
                        fmt::format("stop the context and run 'vsctl fsck {}'", nameIn(volume))});
  }
}

}  // namespace vs::storage
