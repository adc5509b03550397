// Whole files of our own: bounded reads, writes that survive a power cut, and trees that go away.
// Paths here are ours (/var/lib/vsd, /run/vsd, /proc, /sys). Anything below a context's root file
// system goes through RootFs (root_fs.hpp) instead.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/fd.hpp"

namespace vs {

inline constexpr std::size_t kMaxSmallFile = 16U << 20;

Fd openFile(const std::string& path, int flags, mode_t mode = 0);
Fd openDirectory(const std::string& path);  // O_RDONLY | O_DIRECTORY

std::string readFile(const std::string& path, std::size_t limit = kMaxSmallFile);
// nullopt when the file does not exist; every other trouble throws.
std::optional<std::string> readFileIfExists(const std::string& path,
                                            std::size_t limit = kMaxSmallFile);

// Replaces `path` by `bytes` so that after a crash it holds either the old or the new content:
// temporary file, fsync, rename, fsync of the directory.
void writeAtomic(const std::string& path, std::string_view bytes, mode_t mode = 0600);
// One write(2) into an existing file: for /proc and /sys.
void writeExisting(const std::string& path, std::string_view bytes);

bool exists(const std::string& path);  // does not follow a last symbolic link
// Creates `path` and its parents; an existing directory keeps its mode.
void makeDirectories(const std::string& path, mode_t mode = 0755);
// Names in a directory, sorted, without "." and ".."; empty when it does not exist.
std::vector<std::string> listDirectory(const std::string& path);
// Removes `path` and everything below it without following links and without leaving its file
// system; absent is success.
void removeTree(const std::string& path);
void removeFile(const std::string& path);  // absent is success

// A directory that disappears with its owner. For tests and scratch space.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vs
