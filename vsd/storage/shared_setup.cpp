#include "vsd/storage/shared_setup.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/lvm_setup.hpp"

namespace vs::storage {
namespace {

constexpr const char* kServices[] = {"wdmd", "sanlock", "lvmlockd"};
constexpr int kMostHosts = 2000;  // leases of one lockspace (lvmlockd(8))

int numberAfter(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word + "=");
  if (at == std::string::npos) return 0;
  int number = 0;
  const char* begin = text.data() + at + word.size() + 1;
  std::from_chars(begin, text.data() + text.size(), number);
  return number;
}

// What lvm takes as configured, defaults included; without quotes.
std::string lvmSetting(Runner& runner, const std::string& setting) {
  Command command;
  command.argv = {findProgram("lvm", "lvm2"), "lvmconfig", "--typeconfig", "full", setting};
  const Output output = runner.run(command);
  if (output.status != 0) return {};
  std::string value = output.out.substr(output.out.find('=') + 1);
  std::erase_if(value, [](char c) { return c == '"' || c == '\n' || c == ' '; });
  return value;
}

// Of sysfs, its links followed; empty for what is no block device.
std::string nodeOf(const std::string& device) {
  struct stat status {};
  if (::stat(device.c_str(), &status) < 0 || !S_ISBLK(status.st_mode)) return {};
  std::error_code ignored;
  return std::filesystem::canonical(
             fmt::format("/sys/dev/block/{}:{}", ::major(status.st_rdev), ::minor(status.st_rdev)),
             ignored)
      .string();
}

// The seconds for which an iSCSI session holds I/O back that its target does not answer, the most
// of all paths to the device; nullopt for a device of another kind. Of sysfs:
// .../session1/target3:0:0/... has a recovery_tmo below /sys/class/iscsi_session/session1
// (drivers/scsi/scsi_transport_iscsi.c).
std::optional<int> heldBackBySession(const std::string& node) {
  std::optional<int> longest;
  std::error_code ignored;
  for (const auto& path : std::filesystem::directory_iterator(node + "/slaves", ignored)) {
    const auto seconds =
        heldBackBySession(std::filesystem::canonical(path.path(), ignored).string());
    if (seconds && (*seconds < 0 || *seconds > longest.value_or(0))) longest = seconds;
    if (longest && *longest < 0) return longest;
  }
  const std::size_t at = node.find("/session");
  if (at == std::string::npos) return longest;
  const std::string session = node.substr(at + 1, node.find('/', at + 1) - at - 1);
  const auto text =
      readFileIfExists(fmt::format("/sys/class/iscsi_session/{}/recovery_tmo", session));
  return text ? std::optional(std::atoi(text->c_str())) : longest;
}

void checkServices(Runner& runner, std::vector<std::string>& problems) {
  for (const char* service : kServices) {
    Command command;
    command.argv = {findProgram("systemctl", "systemd"), "is-active", service};
    if (runner.run(command).status != 0)
      problems.push_back(
          fmt::format("service {} does not run: systemctl enable --now {} (package {})", service,
                      service, std::string_view(service) == "lvmlockd" ? "lvm2-lockd" : "sanlock"));
  }
}

void checkLvmSettings(Runner& runner, const std::string& fence,
                      std::vector<std::string>& problems) {
  if (lvmSetting(runner, "global/use_lvmlockd") != "1")
    problems.emplace_back(
        "lvm does not use lvmlockd: set 'global { use_lvmlockd = 1 }' in /etc/lvm/lvm.conf");
  const int id = std::atoi(lvmSetting(runner, "local/host_id").c_str());
  if (id < 1 || id > kMostHosts)
    problems.push_back(
        fmt::format("this host has no number: set 'local {{ host_id = N }}' in "
                    "/etc/lvm/lvmlocal.conf, from 1 to {}, another on each host",
                    kMostHosts));
  if (lvmSetting(runner, "global/lvmlockctl_kill_command") != fence)
    problems.push_back(
        fmt::format("nobody would stop writers when leases are lost: set 'global {{ "
                    "lvmlockctl_kill_command = \"{}\" }}' in /etc/lvm/lvm.conf",
                    fence));
}

// A map of multipathd may hold I/O back as long as no path to the LUN is left, or for some checks.
void checkPaths(Runner& runner, const std::string& node, const LeaseTimes& times,
                std::vector<std::string>& problems) {
  const std::string uuid = readFileIfExists(node + "/dm/uuid").value_or("");
  const std::size_t at = uuid.find("mpath-");
  const std::string multipathd = findProgramIfAny("multipathd");
  if (at == std::string::npos || multipathd.empty()) return;
  const std::string wwid = uuid.substr(at + 6, uuid.find('\n', at) - at - 6);
  Command command;
  command.argv = {multipathd, "show", "maps", "raw", "format", "%w %Q"};
  const int held = heldBackWithoutPaths(runner.run(command).out, wwid);
  if (held < times.leaseLost()) return;
  problems.push_back(fmt::format(
      "multipath holds writes back {} when no path to the LUN is left, but other hosts may get "
      "this host's leases after {} s: set 'no_path_retry fail' for it in /etc/multipath.conf, or "
      "so few retries that they take less than {} s",
      held == kWithoutEnd ? "without end" : fmt::format("for {} s", held), times.hostDead(),
      times.leaseLost()));
}

void checkTimes(Runner& runner, const std::string& device, std::vector<std::string>& problems) {
  const std::string sanlock = findProgramIfAny("sanlock");
  if (sanlock.empty()) return;  // its service does not run, which is said
  Command command;
  command.argv = {sanlock, "client", "status", "-D"};
  const Output output = runner.run(command);
  if (output.status != 0) return;
  if (numberAfter(output.out, "use_watchdog") != 1)
    problems.emplace_back(
        "sanlock runs without the watchdog: take 'use_watchdog = 0' out of "
        "/etc/sanlock/sanlock.conf and '-w 0' out of /etc/default/sanlock");
  const LeaseTimes times = leaseTimesIn(output.out);
  if (times.ioTimeout <= 0) return;
  const std::string node = nodeOf(device);
  const std::optional<int> held = heldBackBySession(node);
  if (held && (*held < 0 || *held >= times.leaseLost()))
    problems.push_back(fmt::format(
        "iSCSI holds writes back for {} s, but other hosts may get this host's leases after {} s: "
        "set node.session.timeo.replacement_timeout below {} in /etc/iscsi/iscsid.conf and for "
        "the node that is there (iscsiadm -m node -o update -n ... -v ...), or a larger io_timeout "
        "in /etc/sanlock/sanlock.conf",
        *held, times.hostDead(), times.leaseLost()));
  checkPaths(runner, node, times, problems);
}

}  // namespace

int heldBackWithoutPaths(const std::string& maps, const std::string& wwid) {
  constexpr int kCheckSeconds = 5;  // multipath.conf(5), polling_interval
  const std::size_t at = ("\n" + maps).find("\n" + wwid + " ");
  if (at == std::string::npos) return 0;
  const std::string said = maps.substr(at + wwid.size() + 1, 20);
  if (said.starts_with("on")) return kWithoutEnd;
  const int number = std::atoi(said.c_str());
  return said.find("sec") < said.find('\n') ? number : number * kCheckSeconds;
}

LeaseTimes leaseTimesIn(const std::string& status) {
  LeaseTimes times;
  // "    io_timeout=": not the end of another word.
  times.ioTimeout = numberAfter(status, " io_timeout");
  times.watchdogFire = numberAfter(status, "watchdog_fire_timeout");
  return times;
}

std::vector<std::string> problemsWithSharing(Runner& runner, const std::string& programDirectory,
                                             const std::string& device) {
  std::vector<std::string> problems;
  checkServices(runner, problems);
  checkLvmSettings(runner, programDirectory + "/vsd-fence", problems);
  checkTimes(runner, device, problems);
  return problems;
}

void checkSharedSetup(Runner& runner, const std::string& programDirectory,
                      const SharedSetup& setup) {
  findProgram("lvm", "lvm2");
  findProgram("thin_check", "thin-provisioning-tools");
  const Lvm lvm(runner, Sharing::Shared);
  std::string device = setup.device;
  const std::optional<VolumeGroup> group = lvm.group(setup.group);
  if (device.empty() && group) {
    const std::vector<std::string> devices = lvm.devices(setup.group);
    if (!devices.empty()) device = devices.front();
  }
  const std::vector<std::string> problems = problemsWithSharing(runner, programDirectory, device);
  if (!problems.empty())
    throw Error(Kind::Unsupported,
                fmt::format("this host cannot share storage '{}' with others: {}", setup.name,
                            problems.front()))
        .withBlockers(problems);
  needFileSystem(setup.fileSystem.empty() && group ? fileSystemOf(*group) : setup.fileSystem);
  if (!setup.device.empty()) {
    if (group)
      throw Error(Kind::Exists, fmt::format("volume group '{}' exists already", setup.group))
          .withHint("leave --device away to use it, or name another with --vg");
    return checkDevice(runner, setup.device, setup.wipe);
  }
  if (!group)
    throw Error(Kind::NotFound,
                fmt::format("there is no volume group '{}'", printable(setup.group)))
        .withHint("--device makes one on an empty LUN; 'lsblk' shows whether this host sees it");
  if (group->lockType != "sanlock")
    throw invalid("volume group '{}' is not shared between hosts (its lock type is '{}')",
                  setup.group, group->lockType.empty() ? "none" : group->lockType)
        .withHint("tier thin is for a local one");
  if (std::ranges::find(group->tags, storageTag(setup.name)) != group->tags.end()) {
    if (!setup.fileSystem.empty() && setup.fileSystem != fileSystemOf(*group))
      throw invalid("volumes in group '{}' have {}, not {}", setup.group, fileSystemOf(*group),
                    setup.fileSystem)
          .withHint("leave --fs away: the host that made the storage has chosen");
    return;
  }
  for (const std::string& tag : group->tags)
    if (tag.starts_with(storageTag("")))
      throw invalid("volume group '{}' is that of storage '{}'", setup.group,
                    tag.substr(storageTag("").size()))
          .withHint("a storage has the same name on all hosts");
}

std::vector<std::string> planSharedSetup(const SharedSetup& setup) {
  std::vector<std::string> plan;
  if (!setup.device.empty()) {
    if (setup.wipe) plan.push_back(fmt::format("destroy what '{}' holds", setup.device));
    plan.push_back(
        fmt::format("make the shared volume group '{}' on '{}'", setup.group, setup.device));
  }
  plan.push_back(fmt::format("join the hosts that share volume group '{}'", setup.group));
  return plan;
}

void setUpShared(Runner& runner, const SharedSetup& setup) {
  const Lvm lvm(runner, Sharing::Shared);
  if (!setup.device.empty()) {
    if (setup.wipe) wipeDevice(runner, setup.device);
    lvm.change(fmt::format("make volume group '{}'", setup.group),
               {"vgcreate", "--shared", "--setautoactivation", "n", "--addtag", kOurTag, "--addtag",
                storageTag(setup.name), "--addtag", fileSystemTag(setup.fileSystem), setup.group,
                setup.device},
               Nodes::Udev);
  }
  lvm.startLocks(setup.group);
  const std::optional<VolumeGroup> group = lvm.group(setup.group);
  const std::string tag = storageTag(setup.name);
  if (group && std::ranges::find(group->tags, tag) == group->tags.end())
    lvm.change(
        fmt::format("tag volume group '{}'", setup.group),
        {"vgchange", "--addtag", tag, "--addtag", fileSystemTag(setup.fileSystem), setup.group});
}

void undoSetUpShared(Runner& runner, const std::string& name, const std::string& group) {
  const Lvm lvm(runner, Sharing::Shared);
  const std::optional<VolumeGroup> there = lvm.group(group);
  if (!there) return;
  const auto has = [&](const std::string& tag) {
    return std::ranges::find(there->tags, tag) != there->tags.end();
  };
  if (!has(storageTag(name))) return;
  // One that other hosts use has volumes, or will have: only what is empty was only begun.
  if (!has(kOurTag) || there->volumes > 0) {
    if (!there->lockType.empty()) leaveShared(runner, group);
    return;
  }
  std::vector<std::string> words = {"pvremove"};
  for (std::string& device : lvm.devices(group)) words.push_back(std::move(device));
  if (!there->lockType.empty()) {
    // vgremove of a group with leases waits for ever in lvmlockd (LVM 2.03.31): they go first.
    leaveShared(runner, group);
    lvm.change(fmt::format("take the leases from volume group '{}'", group),
               {"vgchange", "--lock-type", "none", "--lock-opt", "force", group});
  }
  lvm.change(fmt::format("remove volume group '{}'", group), {"vgremove", group});
  lvm.change(fmt::format("give the devices of volume group '{}' back", group), std::move(words));
}

void leaveShared(Runner& runner, const std::string& group) {
  Lvm(runner, Sharing::Shared).stopLocks(group);
}

}  // namespace vs::storage
