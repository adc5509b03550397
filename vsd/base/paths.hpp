// Where everything lies on a host. One place, drawn once:
//
//   /etc/vsd/vsd.toml, vsd.toml.d/*.toml     configuration (people write it)
//   /etc/vsd/templates/NAME/                 template definitions of this host
//   /usr/share/vsd/templates/NAME/           template definitions as shipped
//   /var/lib/vsd/                 0700
//     vsd.db                                 contexts, operations (SQLite)
//     templates/NAME/                        one built template, tier `dir`
//       template.json                        what it is and how it was built
//       root/                                its tree, ids 0..65535 as inside
//     memories/NAME/                         the memory of a suspended context
//     checkpoints/NAME/POINT/                the memory of a checkpoint
//     volumes/NAME/                          one context's data, tier `dir`
//       volume.json                          uuid and definition, for `scan --rebuild`
//       root/                                its root file system, ids 0..65535 as inside
//     storage/STORAGE/                       mount points of a storage of tier `thin` or `shared`:
//       vc-NAME/, vt-NAME/                   volumes and templates; the tree is root/ in each
//   /var/log/vsd/NAME.log                    console output of a context
//   /run/vsd/                     0755
//     vsd.sock                    0660 root:vsd  the API
//     contexts/NAME/              0700       a running context
//       running                              who runs it: pids, start times (written by vsd-guest)
//       ended                                how it ended (written by vsd-guest)
//       console.sock                         attach point of its console
//     criu/                                  what criu knows of this kernel
//   /sys/fs/cgroup/vs.slice/vs-NAME.scope/   its cgroup
//     monitor/                               vsd-guest and exec sessions' parents
//     payload/                               the context; root of its cgroup namespace
//
// A second instance (tests) lives below a prefix; cgroups and /proc stay the machine's.
#pragma once

#include <string>

namespace vs {

struct Paths {
  std::string prefix;      // "" or a directory that stands for "/"
  std::string cgroupRoot;  // where cgroup v2 is mounted: /sys/fs/cgroup, or .../unified

  std::string etc() const { return prefix + "/etc/vsd"; }
  std::string share() const { return prefix + "/usr/share/vsd"; }
  std::string state() const { return prefix + "/var/lib/vsd"; }
  std::string database() const { return state() + "/vsd.db"; }
  std::string templates() const { return state() + "/templates"; }
  std::string templateOf(const std::string& name) const { return templates() + "/" + name; }
  std::string volumes() const { return state() + "/volumes"; }
  std::string volumeOf(const std::string& name) const { return volumes() + "/" + name; }
  std::string memories() const { return state() + "/memories"; }
  std::string checkpoints() const { return state() + "/checkpoints"; }
  std::string storageOf(const std::string& name) const { return state() + "/storage/" + name; }
  std::string logs() const { return prefix + "/var/log/vsd"; }
  std::string logOf(const std::string& name) const { return logs() + "/" + name + ".log"; }
  std::string run() const { return prefix + "/run/vsd"; }
  std::string socket() const { return run() + "/vsd.sock"; }
  std::string criu() const { return run() + "/criu"; }
  std::string contexts() const { return run() + "/contexts"; }
  std::string contextOf(const std::string& name) const { return contexts() + "/" + name; }
};

// The mount point of the cgroup v2 hierarchy; throws Unsupported when there is none.
std::string findCgroupRoot();

}  // namespace vs
