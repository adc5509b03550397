#include "checkpoint/criu_log.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace vs::checkpoint {
namespace {

struct Known {
  std::string_view part;
  std::string_view meaning;
};
// The wording is that of criu 4.1.1.
constexpr Known kKnown[] = {
    {"No space left on device", "there is no room for its memory image"},
    {"io_uring", "a process uses io_uring"},
    {"inotify", "a process watches a file that cannot be found again"},
    {"Can't dump nested", "a process is in namespaces of its own"},
    {"Can't lookup mount",
     "a process has a file open on a mount that is not in the context, a POSIX message queue for "
     "example"},
    {"ctty inheritance detected",
     "an interactive shell has /dev/tty open, and the other end of its terminal is in the context "
     "too"},
    {"external or doesn't belong", "a mount comes from outside the context"},
};

// What it says while it finds out about the kernel, and goes on.
constexpr std::string_view kHarmless[] = {"Unable to create tun"};

bool isHarmless(std::string_view line) {
  return std::ranges::any_of(kHarmless, [line](std::string_view part) {
    return line.find(part) != std::string_view::npos;
  });
}

// "(00.012345)      1: Error (criu/mount.c:123): text" -> "text"
std::string textOf(std::string_view line) {
  const std::size_t mark = line.find("Error (");
  const std::size_t colon = line.find("): ", mark);
  return std::string(line.substr(colon == std::string_view::npos ? mark : colon + 3));
}

}  // namespace

std::string firstError(std::string_view log) {
  while (!log.empty()) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    if (line.find("Error (") != std::string_view::npos && !isHarmless(line)) {
      const std::string text = textOf(line);
      for (const Known& known : kKnown)
        if (text.find(known.part) != std::string::npos)
          return fmt::format("{} (criu: {})", known.meaning, text);
      return "criu: " + text;
    }
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return {};
}

}  // namespace vs::checkpoint
