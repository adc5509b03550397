// Where the memory of suspended contexts lies on this host: a directory for each, below one of mode
// 0700. That it is
// there, whole, is what says that a context is suspended; nothing else records it.
//
//   NAME.new/   being written
//   NAME/       the memory of a suspended context
//   NAME.used/  it runs again
#pragma once

#include <optional>
#include <string>

#include "checkpoint/manifest.hpp"
#include "vsd/kernel/cgroup.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

bool hasMemoryImage(const Host& host, const std::string& name);

// An empty place for one; what was being written before is dropped. Returns its directory.
Fd beginMemoryImage(const Host& host, const std::string& name);
// Durable and in force, by one rename.
void commitMemoryImage(const Host& host, const std::string& name);
void abandonMemoryImage(const Host& host, const std::string& name);

struct MemoryImage {
  Fd directory;
  checkpoint::Manifest manifest;
  std::vector<GroupRecord> groups;
};
// Throws NotFound when there is none, Failed when it is damaged or of another context.
MemoryImage openMemoryImage(const Host& host, const Definition& definition);
// From here on it cannot be used again: what it held runs, or is gone. Absent is success.
void useUpMemoryImage(const Host& host, const std::string& name);
// Removes what is used up or was never finished.
void removeMemoryRemains(const Host& host, const std::string& name);

// What criu has saved, put right where criu itself does not restore what it saved.
void mendImages(const Fd& directory);
// What there is about it, written beside the images.
void writeManifest(const Fd& directory, const Definition& definition,
                   const std::vector<GroupRecord>& groups);

}  // namespace vs
