// The last steps of every process that starts to belong to a context, the same for its init and for
// what is executed in it. Used between clone and exec: nothing allocates or throws.
#pragma once

#include <cstdint>

#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

// Each returns 0 or an errno.

// A session keyring of its own, so that keys of the host's session cannot be reached through it.
int leaveKeyring() noexcept;
// no_new_privs where it is wanted, and the filter. Still needs CAP_SYS_ADMIN: comes first.
int installFilter(const Confinement& confinement) noexcept;
// All ids inside become 0, with no supplementary group.
int becomeRoot() noexcept;
// Takes on `uid` and `gid`; `groups` has `count` entries. Leaving id 0 gives up all capabilities.
struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t groupCount = 0;
};
int takeIdentity(const Identity& identity, std::uint64_t capabilities) noexcept;
// Every descriptor from `first` on is closed; with `spare`, all but that one.
int closeFrom(int first, int spare = -1) noexcept;
// Default dispositions and an empty mask: what a program expects to start with.
void resetSignals() noexcept;

}  // namespace vs::guest
