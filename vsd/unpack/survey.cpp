#include "vsd/unpack/survey.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/unpack/archive_input.hpp"

namespace vs::unpack {

Summary survey(int archive, const Bounds& bounds, const Progress& progress) {
  ArchiveInput input(archive, 0);
  Summary summary;
  while (input.next() != nullptr) {
    bounds.checkEntries(++summary.entries);
    std::uint64_t content = 0;
    while (const auto block = input.nextBlock()) {
      content += block->bytes.size();
      if (summary.bytes + content > bounds.bytes)
        throw invalid("the archive holds more than {} bytes, which is the most accepted",
                      bounds.bytes);
      summary.archive = input.bytesRead();
      progress(summary);
    }
    summary.bytes += content;
    summary.addDisk(std::max<std::uint64_t>(content, 1));
  }
  return summary;
}

}  // namespace vs::unpack
