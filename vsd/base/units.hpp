// Quantities with their unit in the type, and their reading and writing by people.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace vs {

using Millis = std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadlineIn(Millis time) { return std::chrono::steady_clock::now() + time; }

struct Bytes {
  std::uint64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
};

constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }

// "512M", "1.5G", "4096", "2GiB" -> bytes. Suffixes K M G T P, optionally with B or iB, are powers
// of 1024 and may be lower case. Throws InvalidParameter naming `what` on anything else, on
// negative numbers and beyond 8 EiB.
Bytes parseBytes(std::string_view text, std::string_view what);
// 1536 -> "1.5K"; three significant digits at most.
std::string formatBytes(Bytes bytes);

// "100Mbit", "1.5Gbit", "500kbit" -> bits a second; K, M and G are powers of 1000, as everybody
// means them of a wire. The unit must be there: "100M" could mean bytes. Throws InvalidParameter
// naming `what`.
std::uint64_t parseBitRate(std::string_view text, std::string_view what);
// 1'500'000 -> "1.5Mbit"
std::string formatBitRate(std::uint64_t rate);

// "250ms", "10s", "5m", "2h", "1d"; a bare number is seconds. Throws InvalidParameter naming
// `what`.
Millis parseDuration(std::string_view text, std::string_view what);
// 93500 ms -> "1m33s"; below a minute with one decimal: "3.2s".
std::string formatDuration(Millis time);

// Seconds and milliseconds since 1970 as RFC 3339 in UTC: "2008-03-01T12:00:00.250Z".
std::string formatTime(std::chrono::system_clock::time_point time);
std::string now();  // formatTime of this moment

}  // namespace vs
