// criu's image files: a head of two magic numbers, then entries, each a length of 32 bits and a
// protobuf message (criu, criu/include/magic.h, criu/protobuf.c). Their reader trusts nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vs::checkpoint {

inline constexpr std::uint32_t kFilesMagic = 0x56303138;

// The messages of a file whose kind has this magic number. An empty file has none. Throws
// InvalidParameter for what is no such file.
std::vector<std::string_view> entriesOf(std::string_view bytes, std::uint32_t magic);
std::string fileOf(const std::vector<std::string>& entries, std::uint32_t magic);

// Periodic timers of timerfd_create(2) that had expired, and not been read, when they were saved:
// criu keeps that as "nothing left to wait for", and a timer with that is restored switched off.
// They are given the shortest time there is. Returns the new content of files.img; `bytes` as it is
// when there is none of them.
std::string withTimersArmed(std::string_view bytes);

}  // namespace vs::checkpoint
