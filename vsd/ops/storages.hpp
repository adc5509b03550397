// Storages of this host: set up from a device or in a volume group, looked at, given up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/context/store.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

struct StorageAddRequest {
  std::string name;
  std::string tier;           // "thin", "shared"
  std::string device;         // becomes a physical volume; empty: `group` is there already
  std::string group;          // default: "vsd-NAME"
  std::optional<Bytes> size;  // of a thin pool; default: nearly all the group has free
  bool wipe = false;          // --force=wipe: what the device holds may be lost
  std::string fileSystem;     // of its volumes: "ext4", "xfs"; default: the group's, or ext4
};

// Throws what would stop it: InvalidParameter, Exists, NotFound, Busy (the device is in use),
// Unsupported (a program is missing), Failed (the device holds something).
StorageAddRequest completeStorage(const Host& host, StorageAddRequest request);
std::vector<std::string> planAddStorage(const Host& host, const StorageAddRequest& request);
void addStorage(const Host& host, const StorageAddRequest& request, Operation& operation);
// What a crash left of it: the group of a storage that is not on record, if it is ours and empty; a
// shared one only if it was being made (on a device), for else another host has made it.
void undoAddStorage(const Host& host, const StorageAddRequest& request);

// Refused (InvalidState) as long as it holds volumes of this host. Its templates go, except of a
// shared one; the volume group stays when it was there before, and when it is shared.
void checkRemoveStorage(const Host& host, const std::string& name);
std::vector<std::string> planRemoveStorage(const Host& host, const std::string& name);
void removeStorage(const Host& host, const std::string& name, Operation& operation);

struct StoragePicture {
  std::string name;
  storage::Capabilities can;
  std::string group;  // empty for `dir`
  std::optional<storage::Space> space;
  std::uint64_t volumes = 0;
  std::vector<std::string> templates;
  std::string trouble;  // why it cannot be asked, or gets full; empty when all is well
};
StoragePicture showStorage(const Host& host, const std::string& name);
std::vector<StoragePicture> listStorages(const Host& host);

// Records storages again that volume groups tell of; a sentence for each.
std::vector<std::string> rebuildStorages(Runner& runner, Store& store);

std::shared_ptr<storage::Engine> makeEngine(const StorageRecord& record, const Paths& paths,
                                            Runner& runner);

}  // namespace vs
