// Small things done to text before people see it or after they typed it. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vs::ctl {

// True when `text` is matched by a shell pattern (* ? [...], fnmatch(3)).
bool matchesGlob(const std::string& pattern, const std::string& text);
bool isGlob(std::string_view text);

// One line for a table: control characters, which could steer a terminal, become '?'.
std::string cleanLine(std::string_view text);
// Output of a context for a terminal: lines, tabs and colours stay, every other control character
// or escape sequence is left out.
std::string cleanOutput(std::string_view text);

// How many columns `text` takes on a terminal, counting one for each character.
std::size_t widthOf(std::string_view text);

// The moment of an RFC 3339 time in UTC, as the API writes them; nullopt for anything else.
std::optional<std::chrono::system_clock::time_point> parseTime(const std::string& text);

// "a,b,,c" -> a, b, c.
std::vector<std::string> splitList(std::string_view text, char separator = ',');
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// The shell's way of writing one argument, quoted only where needed.
std::string shellWord(std::string_view text);

}  // namespace vs::ctl
