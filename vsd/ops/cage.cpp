#include "vsd/ops/cage.hpp"

#include <algorithm>

#include "vsd/ops/create.hpp"

namespace vs {

storage::UnpackBounds contextBounds(const TreeSizes& sizes) {
  constexpr unsigned kDepth = 512;
  constexpr Millis kTime{24 * 3600 * 1000};
  return {sizes.bytes, sizes.largest, sizes.entries, kDepth, kTime};
}

OperationCage::OperationCage(const Host& host, const storage::UnpackBounds& bounds,
                             Operation& operation)
    : ids_(reserveIdsOnThisHost(host)), operation_(operation) {
  cage_.program = host.programs + "/vsd-unpack";
  cage_.firstId = ids_.range().first;
  cage_.bounds = bounds;
  cage_.isCancelled = [&operation] { return operation.isCancelled(); };
}

void OperationCage::countTowards(Bytes whole) {
  cage_.onProgress = [&operation = operation_, whole](const storage::UnpackProgress& progress) {
    const double part = static_cast<double>(progress.bytes.value) /
                        static_cast<double>(std::max<std::uint64_t>(whole.value, 1));
    operation.progress(static_cast<int>(std::min(part, 0.99) * 100));
  };
}

void noteSkipped(const storage::UnpackResult& result, Operation& operation) {
  if (result.skippedCount > 0)
    operation.note(fmt::format("left out {} entries, the first: {}", result.skippedCount,
                               result.skipped.at(0)));
}

}  // namespace vs
