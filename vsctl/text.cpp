#include "vsctl/text.hpp"

#include <fnmatch.h>

#include <cstdio>
#include <ctime>

namespace vs::ctl {
namespace {

bool isControl(unsigned char c) { return c < 0x20 || c == 0x7f; }

// The C1 controls (U+0080..U+009F) are C2 80..C2 9F in UTF-8.
bool isC1(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) == 0xc2 && at + 1 < text.size() &&
         static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

// The length of a colour sequence "ESC [ digits ; m" at the front of `text`, else 0.
std::size_t colourLength(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

// The length of any escape sequence at the front of `text`: CSI and OSC with their arguments.
std::size_t escapeLength(std::string_view text) {
  if (text.size() < 2) return 1;
  if (text[1] == '[') {
    const std::size_t end = text.find_first_not_of("0123456789;:<=>? !\"#$%&'()*+,-./", 2);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (text[1] == ']') {
    const std::size_t end = text.find_first_of("\a\x1b\n", 2);
    if (end == std::string_view::npos) return text.size();
    if (text[end] == '\a') return end + 1;
    return text.substr(end).starts_with("\x1b\\") ? end + 2 : end;
  }
  return isControl(static_cast<unsigned char>(text[1])) ? 1 : 2;
}

}  // namespace

bool matchesGlob(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool isGlob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

std::string cleanLine(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (isC1(text, i)) {
      out += '?';
      ++i;
    } else {
      out += isControl(static_cast<unsigned char>(text[i])) ? '?' : text[i];
    }
  }
  return out;
}

std::string cleanOutput(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    const char c = text[0];
    if (const std::size_t colour = colourLength(text); colour > 0) {
      length = colour;
      out += text.substr(0, colour);
    } else if (c == '\x1b') {
      length = escapeLength(text);
    } else if (isC1(text, 0)) {
      length = 2;
    } else if (c == '\n' || c == '\t' || !isControl(static_cast<unsigned char>(c))) {
      out += c;
    }
    text.remove_prefix(length);
  }
  return out;
}

std::size_t widthOf(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
  return width;
}

std::optional<std::chrono::system_clock::time_point> parseTime(const std::string& text) {
  std::tm parts{};
  int millis = 0;
  int used = 0;
  const int found =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used);
  if (found != 6 || used < 19) return std::nullopt;
  const std::string rest = text.substr(static_cast<std::size_t>(used));
  if (rest != "Z" && (std::sscanf(rest.c_str(), ".%3d", &millis) != 1 || !rest.ends_with('Z')))
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) +
         std::chrono::milliseconds(millis);
}

std::vector<std::string> splitList(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string shellWord(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace vs::ctl
