#include "vsd/context/id_ranges.hpp"

#include <algorithm>
#include <charconv>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

bool overlaps(const IdRange& a, const IdRange& b) {
  const std::uint64_t endA = std::uint64_t{a.first} + a.count;
  const std::uint64_t endB = std::uint64_t{b.first} + b.count;
  return a.first < endB && b.first < endA;
}

std::optional<std::uint32_t> numberFrom(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<IdRange> parseSubordinateIds(std::string_view text) {
  std::vector<IdRange> ranges;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto start = numberFrom(line.substr(first + 1, second - first - 1));
    const auto count = numberFrom(line.substr(second + 1));
    if (start && count && *count > 0) ranges.push_back({*start, *count});
  }
  return ranges;
}

IdRange findFreeRange(const std::vector<IdRange>& taken) {
  for (std::uint32_t first = kFirstId; first < kLastId; first += 65536) {
    const IdRange candidate{first, 65536};
    if (std::none_of(taken.begin(), taken.end(),
                     [&](const IdRange& range) { return overlaps(range, candidate); }))
      return candidate;
  }
  throw failed("no free range of 65536 ids is left between {} and {}", kFirstId, kLastId);
}

}  // namespace vs
