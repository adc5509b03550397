#include "vsd/unpack/bounds.hpp"

#include <climits>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"

namespace vs::unpack {

void Bounds::checkDepth(const std::string& path, unsigned depthThere) const {
  // What is longer no program could open by its name, nor would unpacking take it.
  if (depthThere > depth || path.size() >= PATH_MAX)
    throw invalid("the tree is deeper than {} directories or {} characters at '{}'", depth,
                  PATH_MAX - 1, printable(path));
}

void Bounds::checkEntries(std::uint64_t entriesThere) const {
  if (entriesThere > entries) throw invalid("the tree has more than {} entries", entries);
}

}  // namespace vs::unpack
