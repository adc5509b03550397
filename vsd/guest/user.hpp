// Who a program in a context runs as: names looked up in the context's own /etc/passwd and
// /etc/group, by a reader of our own. The C library's would load modules from the foreign file
// system.
//
// Runs inside the context, after its root has become ours; nothing allocates or throws.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>

namespace vs::guest {

struct User {
  static constexpr std::size_t kMaxGroups = 64;  // more than these are left out

  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::array<gid_t, kMaxGroups> groups{};
  std::size_t groupCount = 0;
  std::array<char, 128> name{};   // "" for a uid without an entry
  std::array<char, 1024> home{};  // "/" for a uid without an entry
  std::array<char, 1024> shell{};
};

// A decimal id: digits only, no sign, nothing after them, below 2^32 - 1 (which is no id).
std::optional<std::uint32_t> parseId(const char* text) noexcept;

// `wanted` is "", NAME, UID, NAME:GROUP or UID:GID (names and numbers may be mixed); "" is root.
// The supplementary groups are those of /etc/group, none when a group was given. nullopt with errno
// EINVAL: malformed; ENOENT: no such user or group; or that of reading a file.
std::optional<User> findUser(const char* wanted) noexcept;

}  // namespace vs::guest
