// From an empty LUN, or a shared volume group that another host has made on it, to a storage of
// tier `shared` on this host. All that has to be right on the host is checked first and named: the
// services that hold the leases, this host's number among the others, and times that fit together,
// so that whoever loses its leases has stopped writing by the time that somebody else gets them.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"

namespace vs::storage {

struct SharedSetup {
  std::string name;
  std::string group;
  std::string device;  // empty: another host has made the group
  bool wipe = false;   // what the device holds may be lost
  // Of its volumes: "ext4", "xfs"; empty: that of the group, and ext4 of a new one.
  std::string fileSystem;
};

// Seconds, as sanlock(8) and open-iscsi name them.
struct LeaseTimes {
  int ioTimeout = 10;     // sanlock: of one read or write of a lease
  int watchdogFire = 60;  // sanlock: from the last renewal that the watchdog saw to the reset
  // A host counts as dead, and its leases are given to others, after this long without a renewal.
  int hostDead() const { return 8 * ioTimeout + watchdogFire; }
  // A host stops its own writers when it could not renew for this long.
  int leaseLost() const { return 8 * ioTimeout; }
};

// What is wrong on this host, a sentence with its remedy for each; empty when all is well.
// `programDirectory` is where vsd's own programs are, among them vsd-fence. `device` may be empty.
std::vector<std::string> problemsWithSharing(Runner& runner, const std::string& programDirectory,
                                             const std::string& device);

// What `sanlock client status -D` says of its times; 0 for one that is not told.
LeaseTimes leaseTimesIn(const std::string& status);

// Seconds for which multipathd holds I/O back without a path, by what it says of its maps
// (`show maps raw format "%w %Q"`); 0 when it does not, or has no such map.
inline constexpr int kWithoutEnd = std::numeric_limits<int>::max();
int heldBackWithoutPaths(const std::string& maps, const std::string& wwid);

// Throws Unsupported with all of problemsWithSharing, and what checkDevice throws; NotFound or
// Exists for the group, InvalidParameter when it is not a shared one or another storage's.
void checkSharedSetup(Runner& runner, const std::string& programDirectory,
                      const SharedSetup& setup);
std::vector<std::string> planSharedSetup(const SharedSetup& setup);
void setUpShared(Runner& runner, const SharedSetup& setup);

// Takes back a set-up on a device that was not finished: a group that was made for it and holds
// nothing. Of a group that another host has made only leaveShared may be called. May be repeated;
// absent is success.
void undoSetUpShared(Runner& runner, const std::string& name, const std::string& group);
// This host leaves the others that share the group; what is on it stays.
void leaveShared(Runner& runner, const std::string& group);

}  // namespace vs::storage
