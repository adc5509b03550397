// vsd-fence GROUP: this host has lost, or is about to lose, its leases on a shared volume group,
// and stops writing to it (lvmlockctl_kill_command of lvm.conf(5); called by lvmlockctl --kill). It
// needs neither vsd nor the disks. When it fails, the watchdog resets the host.
//
// Devices first: a killed process may leave writes behind, a device that fails all I/O does not let
// them through.
#include <syslog.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/paths.hpp"
#include "vsd/kernel/cgroup.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/lvm_names.hpp"

namespace vs {
namespace {

constexpr Millis kKillTime{5'000};

// The contexts whose file systems lie in the group; their devices fail from here on.
std::set<std::string> cutOff(const std::string& group) {
  std::set<dev_t> volumes;
  for (const std::string& name : dm::list(storage::deviceName(group, "")))
    if (const auto number = dm::numberOf(name); number && storage::isDeviceOf(group, name))
      volumes.insert(*number);
  std::set<std::string> contexts;
  for (const std::string& name : dm::list("vsd.")) {  // "vsd.STORAGE.vc-CONTEXT"
    const auto below = dm::below(name);
    if (!below || !volumes.contains(*below)) continue;
    dm::replaceByError(name, dm::UnderWay::Fail);
    const std::string volume = name.substr(name.rfind('.') + 1);
    if (storage::isContext(volume)) contexts.insert(storage::nameIn(volume));
  }
  return contexts;
}

// What would still reach the disks: the linear devices at the bottom. The leases' own stays.
void cutOffBottom(const std::string& group) {
  for (const char* kind : {"vp-", "vt-"})
    for (const std::string& name : dm::list(storage::deviceName(group, kind)))
      if (name.ends_with("_tdata") || name.ends_with("_tmeta") || name.ends_with("-real") ||
          name.starts_with(storage::deviceName(group, "vt-")))
        dm::wipe(name);
}

// Its output goes nowhere when sanlock has started it.
void tell(const std::string& text) {
  log::error("{}", text);
  ::syslog(LOG_ERR, "%s", text.c_str());
}

int run(const std::vector<std::string>& words) {
  if (words.size() != 1 || words[0].starts_with('-')) {
    std::fputs("usage: vsd-fence GROUP\nCuts this host off from a volume group; see vsd(8).\n",
               stderr);
    return 2;
  }
  const std::string& group = words[0];
  tell(fmt::format("leases of volume group '{}' are lost: cutting it off", group));
  const std::set<std::string> contexts = cutOff(group);
  cutOffBottom(group);
  const std::string root = findCgroupRoot();
  for (const std::string& name : contexts) {
    tell(fmt::format("context '{}': killing it, its storage is lost", name));
    try {
      ContextCgroup(root, name).kill(kKillTime);
    } catch (const Error& error) {
      // It writes nothing any more; vsd will see to it.
      tell(fmt::format("context '{}': {}, ignoring", name, error.text()));
    }
  }
  tell(fmt::format("volume group '{}' is cut off", group));
  return 0;
}

}  // namespace
}  // namespace vs

int main(int argc, char** argv) {
  try {
    return vs::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    vs::log::error("{}", error.what());
    return 1;
  }
}
