// From a tree to an archive: tar (pax, for names, attributes and parts of seconds) with zstd,
// entries in the order of their names, so that the same tree gives the same entries. To be called
// in the cage, since the tree is foreign too.
#pragma once

#include "vsd/unpack/bounds.hpp"
#include "vsd/unpack/summary.hpp"

namespace vs::unpack {

// Packs what is below the directory `root` into `archive`. Hard links, holes, ACLs, user attributes
// and file capabilities are kept; sockets and device nodes are skipped and listed. Throws
// InvalidParameter when the tree is beyond the bounds, Failed when reading or writing fails.
Summary pack(int root, int archive, const Bounds& bounds, const Progress& progress);

}  // namespace vs::unpack
