#include "vsd/unpack/pack.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vsd/base/error.hpp"
#include "vsd/base/hash.hpp"
#include "vsd/base/names.hpp"
#include "vsd/unpack/attributes.hpp"
#include "vsd/unpack/tree_reader.hpp"

namespace vs::unpack {
namespace {

const std::map<std::uint16_t, int> kAclTags{
    {ACL_USER_OBJ, ARCHIVE_ENTRY_ACL_USER_OBJ},   {ACL_USER, ARCHIVE_ENTRY_ACL_USER},
    {ACL_GROUP_OBJ, ARCHIVE_ENTRY_ACL_GROUP_OBJ}, {ACL_GROUP, ARCHIVE_ENTRY_ACL_GROUP},
    {ACL_MASK, ARCHIVE_ENTRY_ACL_MASK},           {ACL_OTHER, ARCHIVE_ENTRY_ACL_OTHER}};

using RawEntry = std::unique_ptr<archive_entry, decltype(&::archive_entry_free)>;

class Packing {
 public:
  Packing(int archive, const Bounds& bounds, const Progress& progress)
      : fd_(archive),
        bounds_(bounds),
        progress_(progress),
        archive_(::archive_write_new(), &::archive_write_free) {
    if (!archive_) throw failed("cannot make an archive writer");
    ::archive_write_set_format_pax(archive_.get());
    // The header that GNU tar knows; libarchive's own would be written as well.
    must(::archive_write_set_format_option(archive_.get(), "pax", "xattrheader", "SCHILY"));
    must(::archive_write_add_filter_zstd(archive_.get()));
    // Zeros that fill the last block of a tape are no part of a zstd file.
    ::archive_write_set_bytes_in_last_block(archive_.get(), 1);
    must(::archive_write_open(archive_.get(), this, nullptr, &Packing::write, nullptr));
  }
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;

  void packDirectory(int directory, const std::string& path, unsigned depth);

  Summary end() {
    must(::archive_write_close(archive_.get()));
    summary_.archive = hash_.count();
    summary_.sha256 = hash_.digest();
    return summary_;
  }

 private:
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t count);
  void must(int result) const;
  void packName(int directory, const std::string& name, const std::string& path, unsigned depth);
  RawEntry makeEntry(const std::string& path, const struct stat& status);
  void addAttributes(archive_entry* entry, int fd, const std::string& path, EntryType type);
  void packFile(archive_entry* entry, int fd, const struct stat& status, const std::string& path);
  void writeHeader(archive_entry* entry);
  void writeData(int fd, const Extent& extent, const std::string& path);
  void writeHole(std::uint64_t size);

  int fd_;
  int writeError_ = 0;
  Bounds bounds_;
  const Progress& progress_;
  Summary summary_;
  Hash hash_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names: the first
  std::unique_ptr<archive, decltype(&::archive_write_free)> archive_;
};

la_ssize_t Packing::write(archive*, void* self, const void* bytes, std::size_t count) {
  auto* packing = static_cast<Packing*>(self);
  ssize_t written;
  do written = ::write(packing->fd_, bytes, count);
  while (written < 0 && errno == EINTR);
  if (written < 0) packing->writeError_ = errno;
  if (written > 0) packing->hash_.add(bytes, static_cast<std::size_t>(written));
  return written;
}

void Packing::must(int result) const {
  if (result >= ARCHIVE_WARN) return;
  if (writeError_ != 0) throw systemError(writeError_, "write the archive");
  throw failed("write the archive: {}", printable(::archive_error_string(archive_.get())));
}

void Packing::packDirectory(int directory, const std::string& path, unsigned depth) {
  bounds_.checkDepth(path, depth);
  struct stat status {};
  check(::fstat(directory, &status), "look at '{}'", printable(path));
  const RawEntry entry = makeEntry(path.empty() ? "./" : path + "/", status);
  addAttributes(entry.get(), directory, path, EntryType::Directory);
  writeHeader(entry.get());
  summary_.addDisk(1);
  for (const std::string& name : namesIn(directory, path))
    packName(directory, name, path.empty() ? "./" + name : path + "/" + name, depth);
}

void Packing::packName(int directory, const std::string& name, const std::string& path,
                       unsigned depth) {
  const struct stat status = statusOf(directory, name, path);
  if (const std::string_view kind = unwantedKind(status.st_mode); !kind.empty())
    return summary_.skip(path, kind);
  if (S_ISDIR(status.st_mode)) {
    const Fd below = openIn(directory, name, O_DIRECTORY, path);
    return packDirectory(below.get(), path, depth + 1);
  }
  const RawEntry entry = makeEntry(path, status);
  if (S_ISLNK(status.st_mode)) {
    std::string target(4096, '\0');
    target.resize(static_cast<std::size_t>(
        check(::readlinkat(directory, name.c_str(), target.data(), target.size()),
              "read the link '{}'", printable(path))));
    ::archive_entry_set_symlink(entry.get(), target.c_str());
  }
  if (!S_ISREG(status.st_mode)) return writeHeader(entry.get());
  if (status.st_nlink > 1) {
    const auto [first, isNew] = linked_.emplace(std::pair{status.st_dev, status.st_ino}, path);
    if (!isNew) {
      ::archive_entry_set_size(entry.get(), 0);
      ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
      return writeHeader(entry.get());
    }
  }
  const Fd file = openIn(directory, name, 0, path);
  packFile(entry.get(), file.get(), status, path);
}

RawEntry Packing::makeEntry(const std::string& path, const struct stat& status) {
  bounds_.checkEntries(++summary_.entries);
  RawEntry entry(::archive_entry_new(), &::archive_entry_free);
  if (!entry) throw failed("cannot make an archive entry");
  ::archive_entry_set_pathname(entry.get(), path.c_str());
  ::archive_entry_set_mode(entry.get(), status.st_mode);
  ::archive_entry_set_uid(entry.get(), status.st_uid);
  ::archive_entry_set_gid(entry.get(), status.st_gid);
  ::archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  ::archive_entry_set_size(entry.get(), S_ISREG(status.st_mode) ? status.st_size : 0);
  return entry;
}

void Packing::addAttributes(archive_entry* entry, int fd, const std::string& path, EntryType type) {
  for (const Attribute& found : attributesOf(fd, path)) {
    const auto kept = acceptAttribute(found, type);
    if (!kept) {
      summary_.skip(path, fmt::format("attribute '{}'", printable(found.name)));
    } else if (kept->name == kAccessAcl || kept->name == kDefaultAcl) {
      const int acl =
          kept->name == kAccessAcl ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS : ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
      for (const AclEntry& part : decodeAcl(kept->value))
        ::archive_entry_acl_add_entry(entry, acl, part.permissions, kAclTags.at(part.tag),
                                      static_cast<int>(part.id), "");
    } else {
      ::archive_entry_xattr_add_entry(entry, kept->name.c_str(), kept->value.data(),
                                      kept->value.size());
    }
  }
}

void Packing::packFile(archive_entry* entry, int fd, const struct stat& status,
                       const std::string& path) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > bounds_.size)
    throw invalid("'{}' has {} bytes, more than the bound of {}", printable(path), size,
                  bounds_.size);
  addAttributes(entry, fd, path, EntryType::File);
  const std::vector<Extent> extents = dataOf(fd, status);
  const bool isSparse = size > 0 && (extents.size() != 1 || extents[0].size != size);
  if (isSparse)
    for (const Extent& extent : extents)
      ::archive_entry_sparse_add_entry(entry, static_cast<la_int64_t>(extent.offset),
                                       static_cast<la_int64_t>(extent.size));
  // A file that is one hole: an empty part at its end says so.
  if (isSparse && extents.empty()) ::archive_entry_sparse_add_entry(entry, status.st_size, 0);
  writeHeader(entry);
  std::uint64_t at = 0;
  for (const Extent& extent : extents) {
    writeHole(extent.offset - at);
    writeData(fd, extent, path);
    at = extent.offset + extent.size;
  }
  writeHole(size - at);
}

void Packing::writeHeader(archive_entry* entry) {
  must(::archive_write_header(archive_.get(), entry));
  summary_.archive = hash_.count();
  progress_(summary_);
}

void Packing::writeData(int fd, const Extent& extent, const std::string& path) {
  std::vector<char> buffer(std::min<std::uint64_t>(extent.size, 1U << 20));
  const std::uint64_t end = extent.offset + extent.size;
  for (std::uint64_t at = extent.offset; at < end;) {
    const ssize_t got = ::pread(fd, buffer.data(), std::min<std::uint64_t>(end - at, buffer.size()),
                                static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    check(got, "read '{}'", printable(path));
    if (got == 0) throw failed("'{}' became shorter while it was packed", printable(path));
    if (::archive_write_data(archive_.get(), buffer.data(), static_cast<std::size_t>(got)) < 0)
      must(ARCHIVE_FATAL);
    at += static_cast<std::uint64_t>(got);
    summary_.bytes += static_cast<std::uint64_t>(got);
    summary_.archive = hash_.count();
    progress_(summary_);
  }
  summary_.addDisk(extent.size);
}

// libarchive wants every byte and leaves out those that were said to be no data.
void Packing::writeHole(std::uint64_t size) {
  static const std::vector<char> zeros(1U << 20);
  for (std::uint64_t left = size; left > 0;) {
    const std::uint64_t part = std::min<std::uint64_t>(left, zeros.size());
    if (::archive_write_data(archive_.get(), zeros.data(), part) < 0) must(ARCHIVE_FATAL);
    left -= part;
  }
}

}  // namespace

Summary pack(int root, int archive, const Bounds& bounds, const Progress& progress) {
  Packing packing(archive, bounds, progress);
  packing.packDirectory(root, "", 0);
  return packing.end();
}

}  // namespace vs::unpack
