// Paths below a context's root file system, which is foreign ground: any component may be a
// symbolic link that its owner chose. Every access is by openat2(2) relative to one descriptor of
// the root (security rule DR5):
//   * reads resolve links as the context itself would see them (RESOLVE_IN_ROOT) and never leave;
//   * writes refuse every link (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV).
// Nothing here joins strings to a host path.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "vsd/base/fd.hpp"

namespace vs {

class RootFs {
 public:
  // Opens the directory `hostPath` (one of our own paths) O_PATH.
  explicit RootFs(const std::string& hostPath);

  int fd() const { return root_.get(); }
  const std::string& hostPath() const { return hostPath_; }

  // The content of a regular file, links followed inside the root; nullopt when there is none.
  // Throws InvalidParameter when it is no regular file or larger than `limit`.
  std::optional<std::string> readFile(const std::string& path, std::size_t limit = 1U << 20) const;

  // Replaces a regular file atomically, owned by the root's id 0. Its directory must exist and no
  // component may be a link; throws InvalidParameter naming the component's path otherwise.
  void writeFile(const std::string& path, std::string_view bytes, mode_t mode) const;
  // Creates a directory (parents must exist); an existing plain directory is success.
  void makeDirectory(const std::string& path, mode_t mode) const;
  // Removes a file or link itself; absent is success.
  void removeFile(const std::string& path) const;

  enum class Entry { None, Directory, File, Link, Other };
  // What stands at `path`, no link followed anywhere.
  Entry entryAt(const std::string& path) const;

 private:
  Fd openParent(const std::string& path, std::string& leaf) const;

  std::string hostPath_;
  Fd root_;
};

// openat2(2) with `resolve` flags; returns an empty Fd with errno set on failure.
Fd openResolved(int directory, const std::string& path, int flags, mode_t mode,
                unsigned long long resolve);

}  // namespace vs
