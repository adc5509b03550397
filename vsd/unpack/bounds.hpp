// How much an archive or a tree may hold before it is refused, however small the archive is itself.
#pragma once

#include <cstdint>
#include <string>

namespace vs::unpack {

struct Bounds {
  std::uint64_t bytes = 0;  // of file content
  std::uint64_t size = 0;   // of one file, with its holes
  std::uint64_t entries = 0;
  unsigned depth = 0;  // components of a path

  // Of a tree that is read; each throws InvalidParameter.
  void checkDepth(const std::string& path, unsigned depth) const;
  void checkEntries(std::uint64_t entries) const;
};

}  // namespace vs::unpack
