// How much an archive holds, before it is unpacked. To be called in the cage.
#pragma once

#include "vsd/unpack/bounds.hpp"
#include "vsd/unpack/summary.hpp"

namespace vs::unpack {

// Reads the archive to its end and unpacks nothing: entries, bytes of content, and blocks, of which
// each entry takes one at least. Throws InvalidParameter when it is damaged or beyond the bounds.
Summary survey(int archive, const Bounds& bounds, const Progress& progress);

}  // namespace vs::unpack
