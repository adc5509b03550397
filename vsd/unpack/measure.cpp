#include "vsd/unpack/measure.hpp"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <utility>

#include "vsd/unpack/tree_reader.hpp"

namespace vs::unpack {
namespace {

class Measuring {
 public:
  Measuring(const Bounds& bounds, const Progress& progress)
      : bounds_(bounds), progress_(progress) {}

  void measureDirectory(int directory, const std::string& path, unsigned depth) {
    bounds_.checkDepth(path, depth);
    count();
    summary_.addDisk(1);
    for (const std::string& name : namesIn(directory, path))
      measureName(directory, name, path + "/" + name, depth);
  }
  Summary end() const { return summary_; }

 private:
  void count() {
    bounds_.checkEntries(++summary_.entries);
    progress_(summary_);
  }
  void measureName(int directory, const std::string& name, const std::string& path,
                   unsigned depth) {
    const struct stat status = statusOf(directory, name, path);
    if (!unwantedKind(status.st_mode).empty()) return;
    if (S_ISDIR(status.st_mode)) {
      const Fd below = openIn(directory, name, O_DIRECTORY, path);
      return measureDirectory(below.get(), path, depth + 1);
    }
    count();
    if (!S_ISREG(status.st_mode)) return;
    if (status.st_nlink > 1 && !linked_.emplace(status.st_dev, status.st_ino).second) return;
    std::uint64_t data = 0;
    const Fd file = openIn(directory, name, 0, path);
    for (const Extent& extent : dataOf(file.get(), status)) data += extent.size;
    // Blocks that were reserved and not written are data for as long as they are in memory.
    const auto size = static_cast<std::uint64_t>(status.st_size);
    data = std::max(data, std::min(size, static_cast<std::uint64_t>(status.st_blocks) * 512));
    summary_.bytes += data;
    summary_.addDisk(data);
    summary_.largest = std::max(summary_.largest, size);
  }

  Bounds bounds_;
  const Progress& progress_;
  Summary summary_;
  std::set<std::pair<dev_t, ino_t>> linked_;  // files with several names that were met
};

}  // namespace

Summary measure(int root, const Bounds& bounds, const Progress& progress) {
  Measuring measuring(bounds, progress);
  measuring.measureDirectory(root, ".", 0);
  return measuring.end();
}

}  // namespace vs::unpack
