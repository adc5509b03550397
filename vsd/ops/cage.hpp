// The cage of vsd-unpack as operations use it: with ids of its own, and ended when they are
// cancelled.
#pragma once

#include "vsd/context/manifest.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/storage/unpack.hpp"

namespace vs {

// For the tree of a context, which may hold that much: as deep as the cage's descriptors go.
storage::UnpackBounds contextBounds(const TreeSizes& sizes);

class OperationCage {
 public:
  OperationCage(const Host& host, const storage::UnpackBounds& bounds, Operation& operation);

  // Shows the operation's progress from now on: `whole` bytes of content are all of it.
  void countTowards(Bytes whole);
  operator const storage::Cage&() const { return cage_; }

 private:
  Contexts::IdReservation ids_;
  Operation& operation_;
  storage::Cage cage_;
};

// Says in the operation's notes what was left out, when anything was.
void noteSkipped(const storage::UnpackResult& result, Operation& operation);

}  // namespace vs
