// Foreign archives, unpacked and packed by the caged helper vsd-unpack: nothing of an archive is
// read in this process. What the cage is, what is refused and what is skipped is said in
// vsd/unpack/cage.hpp and vsd/unpack/tree_writer.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

// What the helper may make before it gives up.
struct UnpackBounds {
  Bytes bytes = 64_GiB;  // of file content, however small the archive
  Bytes size = 64_GiB;   // of one file, with its holes
  std::uint64_t entries = 2'000'000;
  unsigned depth = 64;  // components of a path
  Millis deadline{4 * 3600 * 1000};
};

struct UnpackProgress {
  std::uint64_t entries = 0;
  Bytes bytes;    // of file content, so far
  Bytes archive;  // read or written of the archive, compressed as it is
};

struct Cage {
  std::string program;  // path of vsd-unpack
  // First of 65,536 host ids that the helper's user namespace is made of; not in use by any
  // context. On the disk ids are unshifted whatever it is: uid 0 of the archive is uid 0.
  std::uint32_t firstId = 0;
  UnpackBounds bounds;
  std::function<void(const UnpackProgress&)> onProgress;  // several times a second; may be empty
  std::function<bool()> isCancelled;                      // may be empty
};

struct UnpackResult {
  std::uint64_t entries = 0;
  Bytes bytes;            // of file content
  Bytes disk;             // what the tree takes in blocks of 4 KiB: the size to tell people
  Bytes largest;          // size of the largest file with its holes, when it was measured
  Bytes archive;          // size of the archive itself
  std::string sha256;     // of the archive, as it came (unpack) or was written (pack)
  std::string following;  // what came behind it, in hex
  std::uint64_t skippedCount = 0;
  // What was left out and why: "dev/sda: device node". The first 100.
  std::vector<std::string> skipped;
};

// Unpacks the archive (tar; plain or gzip, bzip2, xz, zstd) that `archiveFd` gives up to its end
// into the directory `targetFd`, which should be empty. Throws InvalidParameter naming the entry
// when the archive is refused or damaged, Failed (with ENOSPC where it is that), Cancelled,
// TimedOut. After any throw the target holds a part of the tree and is the caller's to remove.
UnpackResult unpackArchive(Runner& runner, const Cage& cage, int archiveFd, int targetFd);
// The same, but an archive whose sha256 is not `sha256` (64 hex digits) is refused too.
UnpackResult unpackArchive(Runner& runner, const Cage& cage, int archiveFd, int targetFd,
                           const std::string& sha256);

// The same of a file in which `count` bytes follow the archive: they come back unread.
UnpackResult unpackFollowed(Runner& runner, const Cage& cage, int archiveFd, int targetFd,
                            std::size_t count);

// What such an archive holds, unpacked nowhere: entries, bytes and disk, the last rather too much.
// `emptyFd` is a directory, which stays empty.
UnpackResult surveyArchive(Runner& runner, const Cage& cage, int archiveFd, int emptyFd);

// What packing the tree below `targetFd` would come to: entries, bytes, disk and largest.
UnpackResult measureTree(Runner& runner, const Cage& cage, int targetFd);

// Packs the tree below `targetFd` into a tar with zstd, written to `archiveFd`. Sockets are
// skipped.
UnpackResult packTree(Runner& runner, const Cage& cage, int targetFd, int archiveFd);

}  // namespace vs::storage
