// Which 65,536 host ids each context gets: disjoint from every other context's, from host id 0 and
// from the ranges that /etc/subuid and /etc/subgid give to users, so that no two share a kernel
// uid.
#pragma once

#include <string_view>
#include <vector>

#include "vsd/kernel/boot_plan.hpp"

namespace vs {

inline constexpr std::uint32_t kFirstId = 0x80000;
inline constexpr std::uint32_t kLastId = 0x6fff0000;

// Ranges of a subuid(5) text; lines that are none are left out.
std::vector<IdRange> parseSubordinateIds(std::string_view text);
// The lowest free range at or above kFirstId. Throws Failed when all are taken.
IdRange findFreeRange(const std::vector<IdRange>& taken);

}  // namespace vs
