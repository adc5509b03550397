// How much there is to pack, before it is packed. To be called in the cage.
#pragma once

#include "vsd/unpack/bounds.hpp"
#include "vsd/unpack/summary.hpp"

namespace vs::unpack {

// Of the tree below the directory `root`: entries, exactly as pack() will find them as long as
// nobody changes it; bytes of content without holes, and blocks, which pack() will not exceed; the
// largest file. Throws InvalidParameter when it is beyond the bounds.
Summary measure(int root, const Bounds& bounds, const Progress& progress);

}  // namespace vs::unpack
