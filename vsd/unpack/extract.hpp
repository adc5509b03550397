// From the bytes of a foreign archive to a tree: libarchive reads (tar; plain or gzip, bzip2, xz,
// zstd), TreeWriter writes, and the bounds are held on the way. To be called in the cage.
#pragma once

#include "vsd/unpack/bounds.hpp"
#include "vsd/unpack/summary.hpp"

namespace vs::unpack {

// Reads `archive` to the end of the file and writes below the directory `root`. Device nodes,
// sockets and foreign attributes are skipped and listed. Throws InvalidParameter naming the entry
// when the archive is refused, damaged, truncated, empty or beyond the bounds; Failed when the disk
// fails.
// The last `following` bytes of the file are no part of the archive and come back as they are.
Summary extract(int archive, int root, const Bounds& bounds, std::size_t following,
                const Progress& progress);

}  // namespace vs::unpack
