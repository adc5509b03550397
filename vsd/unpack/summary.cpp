#include "vsd/unpack/summary.hpp"

#include <fmt/core.h>

#include "vsd/base/names.hpp"

namespace vs::unpack {

void Summary::skip(std::string_view entry, std::string_view what) {
  ++skippedCount;
  if (skipped.size() < kMaxSkippedListed)
    skipped.push_back(fmt::format("{}: {}", printable(entry), what));
}

}  // namespace vs::unpack
