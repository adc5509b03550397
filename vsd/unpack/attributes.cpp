#include "vsd/unpack/attributes.hpp"

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <cstring>

namespace vs::unpack {
namespace {

std::optional<std::string> withoutRootId(std::string_view capability) {
  std::uint32_t magic;
  if (capability.size() < sizeof magic) return std::nullopt;
  std::memcpy(&magic, capability.data(), sizeof magic);
  magic = le32toh(magic);
  const std::uint32_t revision = magic & VFS_CAP_REVISION_MASK;
  if (revision == VFS_CAP_REVISION_2 && capability.size() == XATTR_CAPS_SZ_2)
    return std::string(capability);
  if (revision != VFS_CAP_REVISION_3 || capability.size() != XATTR_CAPS_SZ_3) return std::nullopt;
  std::string shorter(capability.substr(0, XATTR_CAPS_SZ_2));
  magic = htole32(VFS_CAP_REVISION_2 | (magic & VFS_CAP_FLAGS_MASK));
  std::memcpy(shorter.data(), &magic, sizeof magic);
  return shorter;
}

}  // namespace

std::optional<Attribute> acceptAttribute(const Attribute& attribute, EntryType type) {
  const bool isFile = type == EntryType::File;
  const bool isDirectory = type == EntryType::Directory;
  if (attribute.name == kCapabilityAttribute && isFile) {
    auto value = withoutRootId(attribute.value);
    if (value) return Attribute{attribute.name, std::move(*value)};
    return std::nullopt;
  }
  if (attribute.name == kAccessAcl && (isFile || isDirectory)) return attribute;
  if (attribute.name == kDefaultAcl && isDirectory) return attribute;
  if (attribute.name.starts_with("user.") && (isFile || isDirectory)) return attribute;
  return std::nullopt;
}

std::string encodeAcl(std::vector<AclEntry> entries) {
  std::sort(entries.begin(), entries.end(), [](const AclEntry& left, const AclEntry& right) {
    return left.tag != right.tag ? left.tag < right.tag : left.id < right.id;
  });
  const posix_acl_xattr_header header{htole32(POSIX_ACL_XATTR_VERSION)};
  std::string value(reinterpret_cast<const char*>(&header), sizeof header);
  for (const AclEntry& entry : entries) {
    const posix_acl_xattr_entry stored{htole16(entry.tag), htole16(entry.permissions),
                                       htole32(entry.id)};
    value.append(reinterpret_cast<const char*>(&stored), sizeof stored);
  }
  return value;
}

std::vector<AclEntry> decodeAcl(std::string_view value) {
  std::vector<AclEntry> entries;
  posix_acl_xattr_header header{};
  if (value.size() < sizeof header) return entries;
  std::memcpy(&header, value.data(), sizeof header);
  if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION) return entries;
  posix_acl_xattr_entry stored{};
  for (value.remove_prefix(sizeof header); value.size() >= sizeof stored;
       value.remove_prefix(sizeof stored)) {
    std::memcpy(&stored, value.data(), sizeof stored);
    entries.push_back({le16toh(stored.e_tag), le16toh(stored.e_perm), le32toh(stored.e_id)});
  }
  return entries;
}

}  // namespace vs::unpack
