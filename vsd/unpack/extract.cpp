#include "vsd/unpack/extract.hpp"

#include <linux/posix_acl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "vsd/base/names.hpp"
#include "vsd/unpack/archive_input.hpp"
#include "vsd/unpack/attributes.hpp"
#include "vsd/unpack/entry_path.hpp"
#include "vsd/unpack/tree_writer.hpp"

namespace vs::unpack {
namespace {

constexpr la_int64_t kLastId = 65535;

const std::map<int, std::uint16_t> kAclTags{
    {ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_USER_OBJ},   {ARCHIVE_ENTRY_ACL_USER, ACL_USER},
    {ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_GROUP_OBJ}, {ARCHIVE_ENTRY_ACL_GROUP, ACL_GROUP},
    {ARCHIVE_ENTRY_ACL_MASK, ACL_MASK},           {ARCHIVE_ENTRY_ACL_OTHER, ACL_OTHER}};

class Extraction {
 public:
  Extraction(int archive, int root, const Bounds& bounds, std::size_t following,
             const Progress& progress)
      : input_(archive, following), writer_(root), bounds_(bounds), progress_(progress) {}

  Summary run() {
    while (archive_entry* raw = input_.next()) {
      if (++summary_.entries > bounds_.entries)
        throw invalid("the archive has more than {} entries, which is the most accepted",
                      bounds_.entries);
      takeEntry(raw);
      tell();
    }
    if (summary_.entries == 0) throw invalid("the archive is empty");
    writer_.finish();
    input_.drain();
    summary_.archive = input_.bytesRead();
    summary_.sha256 = input_.digest();
    summary_.following = input_.following();
    return summary_;
  }

 private:
  void takeEntry(archive_entry* raw);
  EntryType typeOf(archive_entry* raw, const std::string& path) const;
  std::string hardLinkTarget(archive_entry* raw, const std::string& path) const;
  void takeAttributes(archive_entry* raw, Entry& entry);
  void takeAcl(archive_entry* raw, int type, std::string_view name, Entry& entry);
  void checkAcls(const Entry& entry) const;
  void writeContent(int file, const Entry& entry);
  void tell() {
    summary_.archive = input_.bytesRead();
    progress_(summary_);
  }

  ArchiveInput input_;
  TreeWriter writer_;
  Bounds bounds_;
  const Progress& progress_;
  Summary summary_;
};

const char* orEmpty(const char* text) { return text == nullptr ? "" : text; }

// What an entry is that has no place in a context's tree; empty when it has one.
std::string_view unwanted(archive_entry* raw) {
  if (::archive_entry_hardlink(raw) != nullptr) return {};
  switch (::archive_entry_filetype(raw)) {
    case AE_IFBLK:
    case AE_IFCHR:
      return "device node";
    case AE_IFSOCK:
      return "socket";
    default:
      return {};
  }
}

void Extraction::takeEntry(archive_entry* raw) {
  const std::string_view name = orEmpty(::archive_entry_pathname(raw));
  Entry entry;
  entry.path = entryPath(name, bounds_.depth);
  if (const std::string_view what = unwanted(raw); !what.empty()) return summary_.skip(name, what);
  entry.type = typeOf(raw, entry.path);
  const la_int64_t uid = ::archive_entry_uid(raw);
  const la_int64_t gid = ::archive_entry_gid(raw);
  if (uid < 0 || uid > kLastId || gid < 0 || gid > kLastId)
    throw refusal(name, fmt::format("its owner {}:{} is beyond the ids of a context", uid, gid));
  entry.uid = static_cast<uid_t>(uid);
  entry.gid = static_cast<gid_t>(gid);
  entry.mode = ::archive_entry_perm(raw) & 07777;
  entry.modified = {::archive_entry_mtime(raw), ::archive_entry_mtime_nsec(raw)};
  if (entry.type == EntryType::HardLink) entry.target = hardLinkTarget(raw, entry.path);
  if (entry.type == EntryType::Link) entry.target = orEmpty(::archive_entry_symlink(raw));
  if (entry.type == EntryType::File) {
    const la_int64_t size = ::archive_entry_size(raw);
    if (size < 0 || static_cast<std::uint64_t>(size) > bounds_.size)
      throw refusal(name,
                    fmt::format("its size {} is beyond the bound of {} bytes", size, bounds_.size));
    entry.size = static_cast<std::uint64_t>(size);
  }
  takeAttributes(raw, entry);
  checkAcls(entry);
  const Fd file = writer_.create(entry);
  if (entry.type == EntryType::Directory) summary_.addDisk(1);
  if (!file) return;
  writeContent(file.get(), entry);
  writer_.settle(file, entry);
}

EntryType Extraction::typeOf(archive_entry* raw, const std::string& path) const {
  if (::archive_entry_hardlink(raw) != nullptr) return EntryType::HardLink;
  switch (::archive_entry_filetype(raw)) {
    case AE_IFREG:
      return EntryType::File;
    case AE_IFDIR:
      return EntryType::Directory;
    case AE_IFLNK:
      return EntryType::Link;
    case AE_IFIFO:
      return EntryType::Fifo;
    default:
      throw refusal(path, "it is of an unknown type");
  }
}

std::string Extraction::hardLinkTarget(archive_entry* raw, const std::string& path) const {
  const std::string_view target = orEmpty(::archive_entry_hardlink(raw));
  try {
    return entryPath(target, bounds_.depth);
  } catch (const Error&) {
    throw refusal(path, fmt::format("it is a hard link to '{}', which is no path in the tree",
                                    printable(target)));
  }
}

void Extraction::takeAttributes(archive_entry* raw, Entry& entry) {
  std::set<std::string> seen;
  ::archive_entry_xattr_reset(raw);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(raw, &name, &value, &size) == ARCHIVE_OK) {
    const Attribute given{orEmpty(name), {static_cast<const char*>(value), size}};
    // bsdtar writes each twice, in its own form and in GNU tar's.
    if (!seen.insert(given.name).second) continue;
    if (auto accepted = acceptAttribute(given, entry.type))
      entry.attributes.push_back(std::move(*accepted));
    else
      summary_.skip(entry.path, fmt::format("attribute '{}'", printable(given.name)));
  }
  if (entry.type != EntryType::File && entry.type != EntryType::Directory) return;
  takeAcl(raw, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, kAccessAcl, entry);
  if (entry.type == EntryType::Directory)
    takeAcl(raw, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, kDefaultAcl, entry);
}

// GNU tar writes an ACL as text with the names of its machine, and beside it, if asked to, the
// attribute with the ids: that one counts.
void Extraction::takeAcl(archive_entry* raw, int type, std::string_view name, Entry& entry) {
  for (const Attribute& taken : entry.attributes)
    if (taken.name == name) return;
  if (::archive_entry_acl_reset(raw, type) == 0) return;
  std::vector<AclEntry> acl;
  int found = 0;
  int permissions = 0;
  int tag = 0;
  int id = 0;
  const char* who = nullptr;
  while (::archive_entry_acl_next(raw, type, &found, &permissions, &tag, &id, &who) == ARCHIVE_OK) {
    const auto known = kAclTags.find(tag);
    if (known == kAclTags.end()) return summary_.skip(entry.path, "ACL of an unknown kind");
    const bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
    if (named && id < 0) return summary_.skip(entry.path, "ACL with names but no ids");
    acl.push_back({known->second, static_cast<std::uint16_t>(permissions & 7),
                   named ? static_cast<std::uint32_t>(id) : kNoId});
  }
  entry.attributes.push_back({std::string(name), encodeAcl(std::move(acl))});
}

void Extraction::checkAcls(const Entry& entry) const {
  for (const Attribute& attribute : entry.attributes)
    if (attribute.name == kAccessAcl || attribute.name == kDefaultAcl)
      for (const AclEntry& part : decodeAcl(attribute.value))
        if (part.id != kNoId && part.id > kLastId)
          throw refusal(entry.path, "its ACL names an id beyond the ids of a context");
}

void Extraction::writeContent(int file, const Entry& entry) {
  std::uint64_t written = 0;
  while (const auto block = input_.nextBlock()) {
    written += block->bytes.size();
    summary_.bytes += block->bytes.size();
    if (summary_.bytes > bounds_.bytes)
      throw refusal(entry.path,
                    fmt::format("with it the archive holds more than {} bytes, which is "
                                "the most accepted",
                                bounds_.bytes));
    if (block->offset + block->bytes.size() > entry.size)
      throw refusal(entry.path, "its content is longer than its size");
    std::string_view bytes = block->bytes;
    for (auto offset = static_cast<off_t>(block->offset); !bytes.empty();) {
      const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      check(count, "write '{}'", printable(entry.path));
      bytes.remove_prefix(static_cast<std::size_t>(count));
      offset += count;
    }
    tell();
  }
  summary_.addDisk(written);
}

}  // namespace

Summary extract(int archive, int root, const Bounds& bounds, std::size_t following,
                const Progress& progress) {
  return Extraction(archive, root, bounds, following, progress).run();
}

}  // namespace vs::unpack
