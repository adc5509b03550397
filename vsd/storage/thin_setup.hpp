// From an empty disk, or the free space of a volume group, to a storage of tier `thin` and back.
// The group is tagged first, with "vs.storage=NAME", and with "vsd" when it was made for the
// storage: then it goes with it. So what a crash leaves is found by its group, and whose it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

struct ThinSetup {
  std::string name;
  std::string group;
  std::string device;         // empty: the group is there already
  std::optional<Bytes> size;  // of the pool; default: 95 % of what the group has free
  bool wipe = false;          // what the device holds may be lost
  std::string fileSystem;     // of its volumes: "ext4" (default), "xfs"
};

// Throws what would stop it, in the words of the object: Unsupported (a program is missing),
// InvalidParameter (no block device), Busy (in use), InvalidState (it holds something, and `wipe`
// was not said), NotFound or Exists (the group, its pool), Failed (no room).
void checkThinSetup(Runner& runner, const ThinSetup& setup);
std::vector<std::string> planThinSetup(const ThinSetup& setup);
void setUpThin(Runner& runner, const ThinSetup& setup);

// Whether the pool of a storage is there: without it a set-up was not finished.
bool hasThinPool(Runner& runner, const std::string& group);

// Takes a storage without contexts down, also one that is not finished: templates and pool, and the
// group if it was made for it. May be repeated; absent is success.
void tearDownThin(Runner& runner, const std::string& name, const std::string& group);

}  // namespace vs::storage
