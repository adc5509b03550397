// Extended attributes of foreign entries: which are kept, and in which form. Kept are user.*, POSIX
// ACLs and file capabilities; all others (trusted.*, security.selinux, ...) belong to the machine
// that wrote the archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/unpack/entry.hpp"

namespace vs::unpack {

inline constexpr std::string_view kCapabilityAttribute = "security.capability";
inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

// The attribute as it is to be set, nullopt when it is not kept. A file capability of version 3
// (capabilities(7)) names the root it counts for by an id of the archive's machine; it comes back
// as version 2, for which the kernel puts in the root of the namespace that sets it.
std::optional<Attribute> acceptAttribute(const Attribute& attribute, EntryType type);

inline constexpr std::uint32_t kNoId = 0xffffffff;

// An entry of a POSIX ACL as the kernel stores it; `tag` is a value of linux/posix_acl.h.
struct AclEntry {
  std::uint16_t tag = 0;
  std::uint16_t permissions = 0;  // 4 read, 2 write, 1 execute
  std::uint32_t id = kNoId;       // of a named user or group
  auto operator<=>(const AclEntry&) const = default;
};

// The value of a system.posix_acl_* attribute, entries in the order that the kernel demands.
std::string encodeAcl(std::vector<AclEntry> entries);
// The reverse; empty when it is no such value.
std::vector<AclEntry> decodeAcl(std::string_view value);

}  // namespace vs::unpack
