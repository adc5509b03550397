// What unpacking or packing came to; the helper's answer to its caller.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace vs::unpack {

inline constexpr std::size_t kMaxSkippedListed = 100;

struct Summary {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;    // of file content
  std::uint64_t disk = 0;     // the same and directories, in blocks of 4 KiB
  std::uint64_t largest = 0;  // size of the largest file, holes included; known by measure()
  std::uint64_t archive = 0;  // bytes of the archive
  std::string sha256;         // of the archive, without what follows it
  std::string following;      // bytes behind the archive that it was told of
  std::uint64_t skippedCount = 0;
  std::vector<std::string> skipped;  // the first kMaxSkippedListed

  void addDisk(std::uint64_t content) { disk += (content + 4095) / 4096 * 4096; }
  // Notes that an entry, or an attribute of it, is left out.
  void skip(std::string_view entry, std::string_view what);
};

// Called now and then with how far it is; is to be cheap.
using Progress = std::function<void(const Summary&)>;

}  // namespace vs::unpack
