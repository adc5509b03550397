// What setting up a storage on LVM takes, whatever its tier: an empty disk, a volume group whose
// tags tell the storage's name.
#pragma once

#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/storage/lvm.hpp"

namespace vs::storage {

std::string storageTag(const std::string& name);  // "vs.storage=NAME"
// The file system that volumes of a storage get, by its group's tag "vs.fs=TYPE"; "ext4" without.
std::string fileSystemTag(const std::string& type);  // empty: ext4
std::string fileSystemOf(const VolumeGroup& group);

// Throws InvalidParameter for a type that volumes cannot have, Unsupported when its programs are
// missing.
void needFileSystem(const std::string& type);
// Throws InvalidParameter (no block device), Busy (in use), InvalidState (it holds something, and
// `wipe` was not said).
void checkDevice(Runner& runner, const std::string& device, bool wipe);
void wipeDevice(Runner& runner, const std::string& device);

bool hasGroup(Runner& runner, const std::string& group);

// The storages that volume groups of this host tell of by their tags.
struct FoundStorage {
  std::string name;
  std::string tier;
  std::string group;
};
std::vector<FoundStorage> findStorages(Runner& runner);

}  // namespace vs::storage
