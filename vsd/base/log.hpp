// Lines on stderr with the journal's level prefixes (sd-daemon(3)): under systemd they reach the
// journal with their level; on a terminal the prefix is left away.
#pragma once

#include <fmt/core.h>

#include <string_view>

namespace vs::log {

enum class Level { Error = 3, Warning = 4, Info = 6, Debug = 7 };

void setThreshold(Level level);  // default Info
void write(Level level, std::string_view line);

template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::Error, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::Warning, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::Info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::Debug, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace vs::log
