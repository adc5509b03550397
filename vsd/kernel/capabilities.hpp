// Capabilities (capabilities(7)) as bit masks: bit N is capability number N. No libcap: vsd-guest
// uses the two functions at the end between clone and exec, where nothing may allocate or throw.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vs {

inline constexpr int kCapabilityCount =
    41;  // CAP_CHECKPOINT_RESTORE is the last that Linux 6.12 has

constexpr std::uint64_t capability(int number) { return std::uint64_t{1} << number; }

// "CAP_CHOWN" for 0; empty for a number without a name.
std::string_view capabilityName(int number);
// With or without "CAP_", any case; nullopt for no such capability.
std::optional<int> capabilityNumber(std::string_view name);
// The names in a mask, in order of their numbers; bits without a name as "CAP_63".
std::vector<std::string> capabilityNames(std::uint64_t mask);

// What a context's root may hold, inside its user namespace: Docker's 14, and what a stock systemd
// needs to boot to `running` beside them.
std::uint64_t systemCapabilities();
// Everything that has a meaning inside a user namespace.
std::uint64_t nestingCapabilities();

// Removes everything but `mask` from the bounding set of this thread and empties the ambient set.
// Returns 0 or an errno.
int limitBoundingSet(std::uint64_t mask) noexcept;
// Sets permitted and effective to `mask` and empties inheritable. Returns 0 or an errno.
int setCapabilities(std::uint64_t mask) noexcept;

}  // namespace vs
