// From an empty disk, or the free space of a volume group, to a storage of tier `thin` and back.
// Everything carries tags from the moment it exists: "vs.unfinished" until the storage is whole,
// "vs.storage=NAME" on a group that was made for it, which goes with it.
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
};

// Throws what would stop it, in the words of the object: Unsupported (a program is missing),
// InvalidParameter (no block device), Busy (in use), InvalidState (it holds something, and `wipe`
// was not said), NotFound or Exists (the group, its pool), Failed (no room).
void checkThinSetup(Runner& runner, const ThinSetup& setup);
std::vector<std::string> planThinSetup(const ThinSetup& setup);
void setUpThin(Runner& runner, const ThinSetup& setup);

// Takes an unfinished one back. Of a finished one nothing is touched; absent is success.
void undoThinSetup(Runner& runner, const std::string& group);
// Takes a storage without contexts down: templates and pool, and the group if it was made for it.
// May be repeated; absent is success.
void tearDownThin(Runner& runner, const std::string& name, const std::string& group);

}  // namespace vs::storage
