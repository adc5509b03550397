// Points in the life of a context's data, kept beside it on its storage; and the size of its
// volume.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

// The name a snapshot gets that was given none: "20261121-144500", the time in UTC.
std::string snapshotName();

// Of a context that is being exported, for as long as that takes; no user's has the name.
inline constexpr const char* kExportSnapshot = "vsd-export";

bool hasSnapshot(const storage::Engine& storage, const std::string& name,
                 const std::string& snapshot);
// Throws NotFound, Unsupported (the storage has no snapshots).
void needSnapshot(const Host& host, const std::string& name, const std::string& snapshot);
// The storage of a context; throws NotFound, Unsupported.
std::shared_ptr<storage::Engine> storageWithSnapshots(const Host& host, const std::string& name);

// Each throws what would stop it: NotFound, Exists, InvalidState, Unsupported (the storage has no
// snapshots).
void checkSnapshotCreate(const Host& host, const std::string& name, const std::string& snapshot);
void createSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                    Operation& operation);
void checkSnapshotRestore(const Host& host, const std::string& name, const std::string& snapshot);
void restoreSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                     Operation& operation);
// What a restore comes to: the volume as it was then, its size of now on record.
void putBack(const Host& host, const std::string& name, const std::string& snapshot);
void checkSnapshotRemove(const Host& host, const std::string& name, const std::string& snapshot);
void removeSnapshot(const Host& host, const std::string& name, const std::string& snapshot,
                    Operation& operation);

void checkResize(const Host& host, const std::string& name, Bytes size);
// Online; what was cut off is gone on with by the next daemon, for it cannot be taken back.
void resize(const Host& host, const std::string& name, Bytes size, Operation& operation);

// Holds the file system of a context against its own rules; with Repair::Yes a snapshot is taken
// and what is found is mended. Throws Failed when something is wrong and stays so.
void checkFsck(const Host& host, const std::string& name, storage::Repair repair);
void fsck(const Host& host, const std::string& name, storage::Repair repair, Operation& operation);

}  // namespace vs
