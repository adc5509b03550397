#include "vsd/storage/lvm_setup.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/fs_type.hpp"

namespace vs::storage {
namespace {

constexpr std::string_view kFileSystem = "vs.fs=";

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

}  // namespace

std::string storageTag(const std::string& name) { return "vs.storage=" + name; }
std::string fileSystemTag(const std::string& type) {
  return std::string(kFileSystem) + typeNamed(type).name();
}

std::string fileSystemOf(const VolumeGroup& group) {
  for (const std::string& tag : group.tags)
    if (tag.starts_with(kFileSystem)) return tag.substr(kFileSystem.size());
  return "ext4";
}

void needFileSystem(const std::string& type) {
  const std::string name = typeNamed(type).name();
  findProgram("mkfs." + name, name == "xfs" ? "xfsprogs" : "e2fsprogs");
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

void wipeDevice(Runner& runner, const std::string& device) {
  Command wipefs;
  wipefs.argv = {findProgram("wipefs", "util-linux"), "--all", "--force", device};
  runner.mustRun(wipefs, fmt::format("wipe '{}'", device));
}

bool hasGroup(Runner& runner, const std::string& group) {
  return Lvm(runner, Sharing::Shared).group(group).has_value();
}

std::vector<FoundStorage> findStorages(Runner& runner) {
  std::vector<FoundStorage> found;
  if (findProgramIfAny("lvm").empty()) return found;
  for (const VolumeGroup& group : Lvm(runner, Sharing::Shared).groups())
    for (const std::string& tag : group.tags)
      if (tag.starts_with(storageTag("")))
        found.push_back({tag.substr(storageTag("").size()),
                         group.lockType.empty() ? "thin" : "shared", group.name});
  return found;
}

}  // namespace vs::storage
