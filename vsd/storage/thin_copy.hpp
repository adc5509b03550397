// From one thin volume to another that lies above the same external origin in another pool: only
// what the first has of its own is read and written. What that is, the metadata of its pool say
// (thin_dump on a metadata snapshot, which a pool in use can give:
// Documentation/admin-guide/device-mapper/thin-provisioning.rst).
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

// A part of a volume, in bytes.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t length = 0;
};

// What a thin volume has of its own, in order; neighbours are one. `pool` is the name of a pool's
// device as the kernel has it ("GROUP-POOL-tpool"), `metadata` that of the device of its metadata,
// `id` the volume's number in the pool. Throws Failed when the metadata cannot be read.
std::vector<Extent> mappedExtents(Runner& runner, const std::string& pool,
                                  const std::string& metadata, std::uint64_t id);
// The same from what thin_dump says; throws Failed when that is no such thing, or is cut off.
std::vector<Extent> extentsIn(std::istream& dump);

std::uint64_t lengthOf(const std::vector<Extent>& extents);

// Copies these parts of the block device `from` to the same places of `to` and has them on disk.
// `progress` is called with 0..100 and may throw to stop it.
void copyExtents(const std::vector<Extent>& extents, const std::string& from, const std::string& to,
                 const std::function<void(int percent)>& progress);

}  // namespace vs::storage
