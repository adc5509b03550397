// export: a context as one archive, its definition and all its files (vsd/base/archive_frame.hpp).
// One that runs is exported from a snapshot taken for it; where the storage has none it must not
// run, or be frozen: a copy of files that change is a copy of no moment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

struct ExportRequest {
  std::string name;
  std::string snapshot;  // empty: what the context holds now
};

// Throws what would stop it: NotFound, InvalidState, Unsupported (the storage has no snapshots).
std::vector<std::string> planExport(const Host& host, const ExportRequest& request);
// Writes to `archive`, which may be a pipe.
void exportContext(const Host& host, const ExportRequest& request, int archive,
                   Operation& operation);

// Calls `use` with the tree that the request is about, which is complete, and stays so meanwhile.
void withTree(const Host& host, const ExportRequest& request, Operation& operation,
              const std::function<void(const std::string& path)>& use);

// What an export that was cut off has left: the snapshot it was reading is closed, and removed when
// it was taken for it. May be repeated; `snapshot` as in the request.
void undoExport(const Host& host, const std::string& name, const std::string& snapshot);

}  // namespace vs
