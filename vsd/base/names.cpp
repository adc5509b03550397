#include "vsd/base/names.hpp"

#include <cstdint>
#include <utility>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {
constexpr std::size_t kMaxName = 41;

// How many bytes the UTF-8 sequence at the beginning of `text` has, and which character it is; 0
// for what is none (too long, cut off, a surrogate or beyond Unicode: RFC 3629).
std::size_t sequenceIn(std::string_view text, std::uint32_t& character) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if ((length > 1 && byte(0) < 0xc2) || byte(0) > 0xf4 || text.size() < length) return 0;
  character = length == 1 ? byte(0) : byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3fU);
  }
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character < kLeast[length - 1] || character > 0x10ffff || surrogate ? 0 : length;
}

// What shows nothing itself but changes how a terminal shows the rest.
bool isFormatting(std::uint32_t character) {
  constexpr std::pair<std::uint32_t, std::uint32_t> kRanges[] = {
      {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},
      {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f},
      {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
  for (const auto& [first, last] : kRanges)
    if (character >= first && character <= last) return true;
  return false;
}

bool isPlain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
}  // namespace

bool isValidName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || !isPlain(name[0])) return false;
  for (const char c : name)
    if (!isPlain(c) && c != '-') return false;
  return true;
}

const std::string& checkName(const std::string& name, std::string_view what) {
  if (!isValidName(name))
    throw invalid("{} '{}' is not usable", what, printable(name))
        .withHint("use 1 to 41 of a-z, 0-9 and '-', beginning with a letter or digit");
  return name;
}

std::string makeUuid() {
  std::string uuid = readFile("/proc/sys/kernel/random/uuid");
  uuid.resize(36);
  return uuid;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) out += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > limit) out += "...";
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::uint32_t character = 0;
    std::size_t length = sequenceIn(text, character);
    const bool plain = length > 0 && character != '\\' && !isFormatting(character);
    if (length == 0) length = 1;
    for (const char c : text.substr(0, length))
      out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
    text.remove_prefix(length);
  }
  return out;
}

std::string withoutFigures(std::string text) {
  std::erase_if(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return text;
}

}  // namespace vs
