// storage move: a stopped context with its data from one storage of this host to another, of any
// tier. Ids, size and all else of its definition stay; snapshots cannot go along.
//
// The record says which of the two volumes is the context's: until the one write that changes it
// the new one can be thrown away, from then on the old one can.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

struct StorageMoveRequest {
  std::string name;
  std::string to;  // the storage
  enum class Snapshots { Refuse, Lose } snapshots = Snapshots::Refuse;
};

// Throws what would stop it: NotFound, InvalidState (it runs, lies there already, has snapshots or
// changes that are not decided on), Exists (a volume of that name), Unsupported (its schedule or
// its undoable disk want snapshots), Failed (no room).
std::vector<std::string> planStorageMove(const Host& host, const StorageMoveRequest& request);
void storageMove(const Host& host, const StorageMoveRequest& request, Operation& operation);

// What one that was cut off has left: whichever of the two volumes is not on record as the
// context's is removed. May be repeated.
void finishStorageMove(const Host& host, const std::string& name, const std::string& from,
                       const std::string& to);

}  // namespace vs
