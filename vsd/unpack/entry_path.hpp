// The names in an archive, before they touch the disk.
#pragma once

#include <string>
#include <string_view>

#include "vsd/base/error.hpp"

namespace vs::unpack {

// "entry 'a/b' is refused: REASON", with the name made printable.
Error refusal(std::string_view entry, std::string_view reason);

// The path of an entry as "a/b/c" below the root of the tree; "" is the root itself. "./" in front,
// "//" and "/" at the end go away. Throws a refusal when it is empty, absolute, holds "..", is
// deeper than `depth`, or has a component longer than 255 bytes or all longer than 4095.
std::string entryPath(std::string_view raw, unsigned depth);

// What stands before and behind the last '/': {"a/b", "c"}; {"", "a"} for a name at the root.
struct SplitPath {
  std::string parent;
  std::string leaf;
};
SplitPath split(const std::string& path);

}  // namespace vs::unpack
