// Checkpoints: points to which a running context can go back, memory and data together. Each is a
// memory image (memory_image.hpp) and the snapshot of the same name of its volume, taken while
// nothing ran.
#pragma once

#include <string>
#include <vector>

#include "vsd/base/units.hpp"
#include "vsd/ops/dump.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

struct Checkpoint {
  std::string name;
  std::string created;  // RFC 3339
  Bytes memory;         // of its image
  std::string kernel;
  std::vector<std::string> troubles;  // why it could not be gone back to now
};

bool hasCheckpoint(const Host& host, const std::string& name, const std::string& point);
// Oldest first. One that cannot be read has its troubles only.
std::vector<Checkpoint> listCheckpoints(const Host& host, const std::string& name);
// Throws NotFound.
Checkpoint showCheckpoint(const Host& host, const std::string& name, const std::string& point);

// Of a context that runs, or is frozen; it goes on. Throws as checkDump, Exists, Unsupported when
// its storage has no snapshots.
std::vector<std::string> planCreateCheckpoint(const Host& host, const std::string& name,
                                              const std::string& point, Obstacles look);
void createCheckpoint(const Host& host, const std::string& name, const std::string& point,
                      Obstacles look, Operation& operation);
// One that was cut off: what there is of the point goes, and the context goes on.
void undoCreateCheckpoint(const Host& host, const std::string& name, const std::string& point);

// Of a context that is stopped or suspended: what it holds now is lost. Afterwards it runs as it
// did then; the checkpoint stays.
std::vector<std::string> planRestoreCheckpoint(const Host& host, const std::string& name,
                                               const std::string& point);
void restoreCheckpoint(const Host& host, const std::string& name, const std::string& point,
                       Operation& operation);
inline constexpr const char* kPutBackStep = "put its volume back";
// The rest of one that was cut off in that step or behind it.
void finishRestoreCheckpoint(const Host& host, const std::string& name, const std::string& point,
                             Operation& operation);

std::vector<std::string> planRemoveCheckpoint(const Host& host, const std::string& name,
                                              const std::string& point);
// Again after one that was cut off, too.
void removeCheckpoint(const Host& host, const std::string& name, const std::string& point,
                      Operation& operation);

// What was never finished of them, or is used up.
void removeCheckpointRemains(const Host& host, const std::string& name);

// What follows a context when it is renamed, and goes with it. Both may be repeated.
void renameCheckpoints(const Host& host, const std::string& from, const std::string& to);
void forgetCheckpoints(const Host& host, const std::string& name);

}  // namespace vs
