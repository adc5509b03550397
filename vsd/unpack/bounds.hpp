// How much an archive may make before it is refused, however small it is itself.
#pragma once

#include <cstdint>

namespace vs::unpack {

struct Bounds {
  std::uint64_t bytes = 0;  // of file content, and of one file's size with its holes
  std::uint64_t entries = 0;
  unsigned depth = 0;  // components of a path
};

}  // namespace vs::unpack
