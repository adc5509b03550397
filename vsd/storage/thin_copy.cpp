#include "vsd/storage/thin_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <optional>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"

namespace vs::storage {
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::size_t kPart = 4U << 20;  // read and written at once
constexpr Millis kDumpDeadline{600'000};

// The value of NAME="..." in a tag.
std::optional<std::uint64_t> attribute(std::string_view line, std::string_view name) {
  const std::string start = fmt::format(" {}=\"", name);
  const std::size_t at = line.find(start);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* first = line.data() + at + start.size();
  const auto result = std::from_chars(first, line.data() + line.size(), value);
  return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

void append(std::vector<Extent>& extents, Extent extent) {
  if (!extents.empty() && extents.back().begin + extents.back().length == extent.begin)
    extents.back().length += extent.length;
  else
    extents.push_back(extent);
}

}  // namespace

std::vector<Extent> extentsIn(std::istream& dump) {
  std::vector<Extent> extents;
  std::uint64_t block = 0;
  bool whole = false;
  for (std::string line; std::getline(dump, line);) {
    const auto need = [&line](std::string_view name) {
      if (const auto value = attribute(line, name)) return *value;
      throw failed("what thin_dump says of a volume cannot be read: '{}'", line);
    };
    if (line.find("<superblock") != std::string::npos) block = need("data_block_size") * kSector;
    if (line.find("<single_mapping") != std::string::npos)
      append(extents, {need("origin_block") * block, block});
    if (line.find("<range_mapping") != std::string::npos)
      append(extents, {need("origin_begin") * block, need("length") * block});
    whole = line.find("</superblock>") != std::string::npos;
  }
  if (!whole || block == 0) throw failed("what thin_dump says of a volume is not complete");
  return extents;
}

std::vector<Extent> mappedExtents(Runner& runner, const std::string& pool,
                                  const std::string& metadata, std::uint64_t id) {
  const TempDir scratch;
  const std::string file = scratch.path() + "/dump";
  try {
    dm::message(pool, "release_metadata_snap");  // of a call that was cut off
  } catch (const Error&) {
    // There was none.
  }
  dm::message(pool, "reserve_metadata_snap");
  Rollback release;
  release.add("release the snapshot of the metadata",
              [&pool] { dm::message(pool, "release_metadata_snap"); });
  const auto device = dm::numberOf(metadata);
  if (!device) throw failed("there is no device '{}'", metadata);
  Command dump;
  dump.argv = {findProgram("thin_dump", "thin-provisioning-tools"),
               "--metadata-snap",
               "--dev-id",
               std::to_string(id),
               "-o",
               file,
               dm::pathOf(*device)};
  dump.deadline = kDumpDeadline;
  runner.mustRun(dump, fmt::format("see what thin volume {} of pool '{}' holds", id, pool));
  std::ifstream text(file);
  return extentsIn(text);
}

std::uint64_t lengthOf(const std::vector<Extent>& extents) {
  std::uint64_t length = 0;
  for (const Extent& extent : extents) length += extent.length;
  return length;
}

void copyExtents(const std::vector<Extent>& extents, const std::string& from, const std::string& to,
                 const std::function<void(int percent)>& progress) {
  const Fd source = openFile(from, O_RDONLY);
  const Fd target = openFile(to, O_WRONLY);
  const std::uint64_t all = lengthOf(extents);
  std::uint64_t done = 0;
  std::vector<char> part(kPart);
  for (const Extent& extent : extents)
    for (std::uint64_t at = 0; at < extent.length;) {
      if (progress) progress(static_cast<int>(100 * done / all));
      const auto want =
          static_cast<std::size_t>(std::min<std::uint64_t>(kPart, extent.length - at));
      const auto place = static_cast<off_t>(extent.begin + at);
      const ssize_t got = ::pread(source.get(), part.data(), want, place);
      if (got <= 0) throw systemError(got < 0 ? errno : EIO, fmt::format("read '{}'", from));
      const ssize_t put = ::pwrite(target.get(), part.data(), static_cast<std::size_t>(got), place);
      if (put <= 0) throw systemError(put < 0 ? errno : EIO, fmt::format("write '{}'", to));
      at += static_cast<std::uint64_t>(put);
      done += static_cast<std::uint64_t>(put);
    }
  check(::fsync(target.get()), "write out '{}'", to);
}

}  // namespace vs::storage
