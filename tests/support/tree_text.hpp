// A directory tree as text, one line an entry, for comparing whole trees in one assertion.
#pragma once

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "vsd/base/file.hpp"

namespace vs {

inline std::string kindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "dir";
  if (S_ISLNK(mode)) return "link";
  if (S_ISREG(mode)) return "file";
  return S_ISFIFO(mode) ? "fifo" : "other";
}

// "file 4755 0:0 etc/su 'content'", sorted by path; the content of files up to 40 bytes, of others
// the size. Hard links show as "x2".
inline std::string treeText(const std::string& top, const std::string& below = "") {
  std::string text;
  for (const std::string& name : listDirectory(top + "/" + below)) {
    const std::string path = below.empty() ? name : below + "/" + name;
    struct stat status {};
    if (::lstat((top + "/" + path).c_str(), &status) < 0) continue;
    text += fmt::format("{} {:o} {}:{} {}", kindOf(status.st_mode), status.st_mode & 07777,
                        status.st_uid, status.st_gid, path);
    if (S_ISREG(status.st_mode))
      text += status.st_size <= 40 ? fmt::format(" '{}'", readFile(top + "/" + path))
                                   : fmt::format(" {}", status.st_size);
    if (S_ISREG(status.st_mode) && status.st_nlink > 1)
      text += fmt::format(" x{}", status.st_nlink);
    if (S_ISLNK(status.st_mode)) {
      char target[PATH_MAX];
      const ssize_t size = ::readlink((top + "/" + path).c_str(), target, sizeof target);
      text += " -> " + std::string(target, size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    text += "\n";
    if (S_ISDIR(status.st_mode)) text += treeText(top, path);
  }
  return text;
}

}  // namespace vs
