#include "vsd/base/units.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

struct Number {
  double value;
  std::string_view rest;
};

// A decimal number without sign, exponent or leading space, and what follows it.
Number readNumber(std::string_view text, std::string_view what, std::string_view example) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string digits(text.substr(0, end));
  char* stop = nullptr;
  const double value = std::strtod(digits.c_str(), &stop);
  if (digits.empty() || *stop != '\0' || digits == ".")
    throw invalid("{} '{}' is not a number with a unit; write for example {}", what, text, example);
  return {value, text.substr(end)};
}

constexpr std::pair<std::string_view, double> kBitUnits[] = {
    {"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}};

bool equalsIgnoringCase(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

}  // namespace

Bytes parseBytes(std::string_view text, std::string_view what) {
  const Number number = readNumber(text, what, "512M or 2G");
  std::string_view unit = number.rest;
  double factor = 1;
  if (!unit.empty()) {
    constexpr std::string_view kUnits = "KMGTP";
    const char letter = static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0])));
    const std::size_t power = kUnits.find(letter);
    const std::string_view tail = unit.substr(1);
    if (power == std::string_view::npos || (tail != "" && tail != "B" && tail != "iB"))
      throw invalid("{} '{}' has an unknown unit '{}'; use K, M, G, T or P", what, text, unit);
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number.value * factor;
  if (bytes >= 9.2e18) throw invalid("{} '{}' is beyond 8 EiB", what, text);
  return {static_cast<std::uint64_t>(bytes)};
}

std::string formatBytes(Bytes bytes) {
  constexpr std::string_view kUnits = "BKMGTPE";
  double value = static_cast<double>(bytes.value);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{}B", bytes.value);
  return value < 10 ? fmt::format("{:.1f}{}", value, kUnits[unit])
                    : fmt::format("{:.0f}{}", value, kUnits[unit]);
}

std::uint64_t parseBitRate(std::string_view text, std::string_view what) {
  const Number number = readNumber(text, what, "100Mbit or 1Gbit");
  double factor = 0;
  for (const auto& [unit, each] : kBitUnits)
    if (equalsIgnoringCase(number.rest, unit)) factor = each;
  if (factor == 0)
    throw invalid("{} '{}' has no unit that is known; use bit, kbit, Mbit or Gbit", what, text);
  const double rate = number.value * factor;
  if (rate > 1e15) throw invalid("{} '{}' is more than any wire can carry", what, text);
  return static_cast<std::uint64_t>(rate);
}

std::string formatBitRate(std::uint64_t rate) {
  std::pair<std::string_view, double> best = kBitUnits[0];
  for (const auto& each : kBitUnits)
    if (static_cast<double>(rate) >= each.second) best = each;
  return fmt::format("{:.3g}{}", static_cast<double>(rate) / best.second, best.first);
}

Millis parseDuration(std::string_view text, std::string_view what) {
  const Number number = readNumber(text, what, "500ms, 30s or 5m");
  double factor;
  if (number.rest == "ms")
    factor = 1;
  else if (number.rest == "s" || number.rest.empty())
    factor = 1000;
  else if (number.rest == "m")
    factor = 60'000;
  else if (number.rest == "h")
    factor = 3'600'000;
  else if (number.rest == "d")
    factor = 86'400'000;
  else
    throw invalid("{} '{}' has an unknown unit '{}'; use ms, s, m, h or d", what, text,
                  number.rest);
  const double millis = number.value * factor;
  if (millis > 3.2e12) throw invalid("{} '{}' is longer than a hundred years", what, text);
  return Millis(static_cast<std::int64_t>(millis));
}

std::string formatDuration(Millis time) {
  const auto millis = time.count();
  if (millis < 1000) return fmt::format("{}ms", millis);
  if (millis < 60'000) return fmt::format("{:.1f}s", static_cast<double>(millis) / 1000.0);
  const auto seconds = millis / 1000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string formatTime(std::chrono::system_clock::time_point time) {
  const auto millis = std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     millis % 1000);
}

std::string now() { return formatTime(std::chrono::system_clock::now()); }

}  // namespace vs
