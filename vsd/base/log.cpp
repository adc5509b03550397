#include "vsd/base/log.hpp"

#include <unistd.h>

#include <atomic>
#include <string>

namespace vs::log {
namespace {
std::atomic<int> threshold{static_cast<int>(Level::Info)};
}

void setThreshold(Level level) { threshold = static_cast<int>(level); }

void write(Level level, std::string_view text) {
  if (static_cast<int>(level) > threshold) return;
  static const bool onTerminal = ::isatty(STDERR_FILENO) == 1;
  std::string line = onTerminal ? std::string() : fmt::format("<{}>", static_cast<int>(level));
  // A newline in a message must not forge a second log line.
  for (const char c : text) line += c == '\n' ? ' ' : c;
  line += '\n';
  // One write: lines of several threads never mix. A full or closed stderr is nobody's error here.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace vs::log
