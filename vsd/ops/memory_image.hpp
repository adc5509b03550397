// Where memory of contexts lies on this host: a directory for each image, below one of mode 0700.
// That it is there, whole, is what says so; nothing else records it.
//
//   memories/NAME/             the context is suspended
//   checkpoints/NAME/POINT/    as it was at that point, with the snapshot POINT of its volume
//
// and beside each PLACE: PLACE.new, being written, and PLACE.used, which is not valid any more.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/manifest.hpp"
#include "vsd/kernel/cgroup.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// One image's place; it need not be there.
class MemoryPlace {
 public:
  explicit MemoryPlace(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  bool isTaken() const;

  // An empty place for one; what was being written before is dropped. Returns its directory.
  Fd begin() const;
  // What `from` holds, without a copy of it, as one that is being written. Only for images that are
  // read and never written to.
  void beginFrom(const MemoryPlace& from) const;
  // Durable and in force, by one rename.
  void commit() const;
  void abandon() const;

  // From here on it cannot be used again: what it held runs, or is gone. Absent is success.
  void useUp() const;
  // Removes what is used up or was never finished.
  void removeRemains() const;

 private:
  std::string unfinished() const { return directory_ + ".new"; }
  std::string used() const { return directory_ + ".used"; }

  std::string directory_;
};

// Of a suspended context.
MemoryPlace memoryOf(const Host& host, const std::string& name);

struct MemoryImage {
  Fd directory;
  checkpoint::Manifest manifest;
  std::vector<GroupRecord> groups;
};
// Throws NotFound when there is none, Failed when it is damaged or of another context, Unsupported
// when it is not for this host.
MemoryImage openMemoryImage(const MemoryPlace& place, const Definition& definition);
// The same without a look at its files.
checkpoint::Manifest readManifest(const MemoryPlace& place);
// Throws Unsupported when the processes of an image cannot go on on this host, whose memory it is
// said to be with `what`.
void mustFitHost(const checkpoint::Manifest& manifest, const std::string& what);

// What criu has saved, put right where criu itself does not restore what it saved.
void mendImages(const Fd& directory);
// What there is about it, written beside the images.
void writeManifest(const Fd& directory, const Definition& definition,
                   const std::vector<GroupRecord>& groups);

}  // namespace vs
