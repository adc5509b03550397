// Lines of a small text file inside a context, read into fixed memory: the file is foreign, so
// nothing about it is trusted. Lines longer than the buffer are skipped.
#pragma once

#include <array>
#include <cstddef>

namespace vs::guest {

class LineReader {
 public:
  // Opens a regular file as seen from the process's root. A missing one reads as empty.
  explicit LineReader(const char* path) noexcept;
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line without its newline; nullptr at the end. Valid until the next call.
  char* next() noexcept;

 private:
  static constexpr std::size_t kSize = 8192;
  static constexpr std::size_t kMaxBytes = 4U << 20;  // of a file; the rest is not looked at

  bool fill() noexcept;

  int fd_;
  std::array<char, kSize> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t total_ = 0;
};

// Cuts `line` at its colons, in place; missing fields are "".
template <std::size_t Count>
std::array<const char*, Count> fieldsOf(char* line) noexcept {
  std::array<const char*, Count> fields;
  fields.fill("");
  for (std::size_t i = 0; i < Count && line != nullptr; ++i) {
    fields[i] = line;
    while (*line != '\0' && *line != ':') ++line;
    if (*line == '\0') break;
    *line++ = '\0';
  }
  return fields;
}

}  // namespace vs::guest
