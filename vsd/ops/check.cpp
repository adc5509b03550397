#include "vsd/ops/check.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/context/id_ranges.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/kernel/scope.hpp"

namespace vs {
namespace {

using Level = Finding::State;

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
};

// The first dotted number in a text: "Version: 4.1.1" -> {4, 1, 1}.
Version versionIn(std::string_view text) {
  Version version;
  const std::size_t start = text.find_first_of("0123456789");
  if (start == std::string_view::npos) return version;
  const char* at = text.data() + start;
  const char* const end = text.data() + text.size();
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    at = std::from_chars(at, end, *part).ptr;
    if (at == end || *at != '.') break;
    ++at;
  }
  return version;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

class HostCheck {
 public:
  explicit HostCheck(const Host& host) : host_(host) {}

  std::vector<Finding> all() {
    kernel();
    cgroups();
    storage();
    templates();
    services();
    moves();
    return std::move(findings_);
  }

 private:
  void say(std::string area, std::string name, Level state, std::string found,
           std::string remedy = "") {
    findings_.push_back(
        {std::move(area), std::move(name), state, std::move(found), std::move(remedy)});
  }

  // --- kernel ---
  void kernel() {
    utsname name{};
    ::uname(&name);
    const Version version = versionIn(name.release);
    const bool new_enough = version >= Version{6, 1, 0};
    say("kernel", "version", new_enough ? Level::Ok : Level::Missing, name.release,
        new_enough ? "" : "install a kernel of Debian 12 (6.1) or newer");
    for (const char* kind : {"user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"}) {
      const bool there = exists(fmt::format("/proc/self/ns/{}", kind));
      say("kernel", fmt::format("{} namespaces", kind), there ? Level::Ok : Level::Missing,
          there ? "yes" : "no", there ? "" : "boot a kernel with all namespaces, as Debian's are");
    }
    idMappedMounts();
    const std::string actions =
        readFileIfExists("/proc/sys/kernel/seccomp/actions_avail").value_or("");
    const bool seccomp = actions.find("errno") != std::string::npos;
    say("kernel", "seccomp filters", seccomp ? Level::Ok : Level::Missing, seccomp ? "yes" : "no",
        seccomp ? "" : "boot a kernel with CONFIG_SECCOMP_FILTER");
    sharedLimit("fs/inotify/max_user_instances", 8192);
    sharedLimit("fs/inotify/max_user_watches", 524'288);
    sharedLimit("kernel/keys/maxkeys", 2000);
    const bool appArmor =
        trimmed(readFileIfExists("/sys/module/apparmor/parameters/enabled").value_or("")) == "Y";
    say("kernel", "AppArmor", appArmor ? Level::Ok : Level::Degraded,
        appArmor ? "enabled" : "not enabled",
        appArmor ? "" : "optional: boot with apparmor=1 security=apparmor for one wall more");
  }

  void idMappedMounts() {
    try {
      const Fd space = makeUserNamespace({kFirstId, 65536});
      const Fd directory = openFile(host_.paths.state(), O_PATH | O_DIRECTORY);
      idMappedMount(directory.get(), space.get());
      say("kernel", "ID-mapped mounts", Level::Ok, fmt::format("work on {}", host_.paths.state()));
    } catch (const Error& error) {
      say("kernel", "ID-mapped mounts", Level::Missing, error.text(),
          fmt::format("put {} on ext4, xfs or btrfs, with a kernel of Debian 12 or newer",
                      host_.paths.state()));
    }
  }

  // Limits that all contexts draw on together, because root makes their namespaces.
  void sharedLimit(const std::string& key, std::uint64_t wanted) {
    const std::string text = trimmed(readFileIfExists("/proc/sys/" + key).value_or("0"));
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    std::string dotted = key;
    std::replace(dotted.begin(), dotted.end(), '/', '.');
    const bool enough = value >= wanted;
    say("kernel", dotted, enough ? Level::Ok : Level::Degraded, text,
        enough ? "" : fmt::format("sysctl {}={}: all contexts share it", dotted, wanted));
  }

  // --- cgroup ---
  void cgroups() {
    const std::string& root = host_.paths.cgroupRoot;
    const bool unified = root == "/sys/fs/cgroup";
    say("cgroup", "v2 hierarchy", unified ? Level::Ok : Level::Degraded, root,
        unified ? ""
                : "boot with systemd.unified_cgroup_hierarchy=1: limits need the controllers that "
                  "v1 holds");
    const std::string controllers =
        " " + trimmed(readFileIfExists(root + "/cgroup.controllers").value_or("")) + " ";
    for (const char* name : {"cpu", "memory", "pids", "io"}) {
      const bool there = controllers.find(fmt::format(" {} ", name)) != std::string::npos;
      say("cgroup", fmt::format("controller {}", name), there ? Level::Ok : Level::Degraded,
          there ? "yes" : "no",
          there ? ""
                : "contexts run, but limits of this kind are refused; boot with "
                  "systemd.unified_cgroup_hierarchy=1");
    }
  }

  // --- storage ---
  void storage() {
    for (const auto& engine : host_.storages.all()) {
      const storage::Capabilities can = engine->capabilities();
      say("storage", fmt::format("storage {}", engine->name()),
          can.instantCopy ? Level::Ok : Level::Degraded,
          fmt::format("tier {}, new volumes by {}", can.tier, can.copyMethod),
          can.instantCopy
              ? ""
              : fmt::format(
                    "for instant volumes add a storage of tier thin, or put {} on xfs or btrfs",
                    host_.paths.state()));
    }
    program("storage", "lvm", "lvm", "no storage of tier thin can be added: apt install lvm2");
    program("storage", "thin_check", "thin_check",
            "no storage of tier thin can be added: apt install thin-provisioning-tools");
    struct statvfs status {};
    if (::statvfs(host_.paths.state().c_str(), &status) != 0) return;
    const Bytes free{std::uint64_t{status.f_bavail} * status.f_frsize};
    const bool enough = free >= 2_GiB;
    say("storage", "free space", enough ? Level::Ok : Level::Degraded,
        fmt::format("{} at {}", formatBytes(free), host_.paths.state()),
        enough ? "" : "a Debian template takes about 0.5G, and so does each context of it");
  }

  // --- templates ---
  void templates() {
    program("tools", "mmdebstrap", "mmdebstrap",
            "templates cannot be built, only imported: apt install mmdebstrap");
    const std::string keyring = host_.config.keyring.empty()
                                    ? "/usr/share/keyrings/debian-archive-keyring.gpg"
                                    : host_.config.keyring;
    const bool there = exists(keyring);
    say("tools", "archive keyring", there ? Level::Ok : Level::Degraded,
        there ? keyring : "not there",
        there ? "" : "templates cannot be built: apt install debian-archive-keyring");
    const std::string unpack = host_.programs + "/vsd-unpack";
    const bool unpacker = ::access(unpack.c_str(), X_OK) == 0;
    say("tools", "vsd-unpack", unpacker ? Level::Ok : Level::Missing,
        unpacker ? unpack : "not there", unpacker ? "" : "install the package vsd again");
  }

  void program(const std::string& area, const std::string& name, const std::string& binary,
               const std::string& remedy) {
    const std::string path = findProgramIfAny(binary);
    say(area, name, path.empty() ? Level::Degraded : Level::Ok,
        path.empty() ? "not installed" : path, path.empty() ? remedy : "");
  }

  // --- services ---
  void services() {
    say("services", "systemd", isSystemdHost() ? Level::Ok : Level::Degraded,
        isSystemdHost() ? "is the system manager" : "is not the system manager",
        isSystemdHost() ? "" : "contexts run, in cgroups that vsd makes itself");
    const bool machined =
        exists("/usr/share/dbus-1/system-services/org.freedesktop.machine1.service");
    say("services", "systemd-machined", machined ? Level::Ok : Level::Degraded,
        machined ? "yes" : "not installed",
        machined ? "" : "for machinectl and journalctl -M: apt install systemd-container");
    const bool group = ::getgrnam(host_.config.group.c_str()) != nullptr;
    say("services", fmt::format("group {}", host_.config.group),
        group ? Level::Ok : Level::Degraded, group ? "yes" : "no such group",
        group ? ""
              : fmt::format("only root may use the API; addgroup --system {}", host_.config.group));
  }

  // --- what live moves need ---
  void moves() {
    const std::string criu = findProgramIfAny("criu");
    if (criu.empty()) {
      say("move", "criu", Level::Degraded, "not installed",
          "no live moves: apt install criu (4.1.1 of Debian 13)");
      return;
    }
    const Version version = versionIn(outputOf({criu, "--version"}).out);
    const bool fits = version >= Version{4, 1, 1};
    say("move", "criu", fits ? Level::Ok : Level::Degraded,
        fmt::format("{}.{}.{}", version.major, version.minor, version.patch),
        fits ? "" : "no live moves: they need 4.1.1, as Debian 13 has it");
    if (!fits) return;
    const bool tracks = outputOf({criu, "check", "--feature", "mem_dirty_track"}).status == 0;
    say("move", "memory change tracking", tracks ? Level::Ok : Level::Degraded,
        tracks ? "yes" : "no",
        tracks ? ""
               : "no iterative moves: boot a kernel with CONFIG_MEM_SOFT_DIRTY, as Debian's have");
  }

  Output outputOf(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.deadline = Millis(10'000);
    try {
      return host_.runner.run(command);
    } catch (const Error& error) {
      return {1, "", error.text()};
    }
  }

  const Host& host_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view nameOf(Finding::State state) {
  switch (state) {
    case Level::Ok:
      return "ok";
    case Level::Degraded:
      return "degraded";
    case Level::Missing:
      return "missing";
  }
  return "missing";
}

std::vector<Finding> checkHost(const Host& host) { return HostCheck(host).all(); }

std::vector<Finding> checkStorages(const Host& host, const std::string& name) {
  std::vector<Finding> findings;
  const auto add = [&](const storage::Engine& storage) {
    try {
      for (Finding& finding : storage.findings(host.programs))
        findings.push_back(std::move(finding));
    } catch (const Error& error) {
      findings.push_back({storage.name(), "storage", Level::Missing, error.text(), error.hint()});
    }
  };
  if (!name.empty())
    add(*host.storages.named(name));
  else
    for (const auto& storage : host.storages.all()) add(*storage);
  return findings;
}

}  // namespace vs
