#include "vsd/base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

std::string parentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

void syncDirectory(const std::string& path) {
  const Fd directory = openDirectory(path);
  check(::fsync(directory.get()), "sync the directory '{}'", path);
}

// Removes what is below `directory` (an owned descriptor), staying on `device`.
void emptyDirectory(Fd directory, const std::string& path, dev_t device) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(directory.get()), &::closedir);
  if (!stream) throw systemError(errno, fmt::format("list '{}'", path));
  directory.release();
  const int at = ::dirfd(stream.get());
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    if (::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) continue;
      throw systemError(errno, fmt::format("look at '{}/{}'", path, name));
    }
    const std::string child = path + "/" + name;
    if (S_ISDIR(status.st_mode)) {
      if (status.st_dev != device)
        throw failed("remove '{}': another file system is mounted on '{}'", path, child)
            .withHint(fmt::format("unmount '{}' first", child));
      Fd below(check(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                     "open '{}'", child));
      emptyDirectory(std::move(below), child, device);
      if (::unlinkat(at, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
        throw systemError(errno, fmt::format("remove '{}'", child));
    } else if (::unlinkat(at, name.c_str(), 0) < 0 && errno != ENOENT) {
      throw systemError(errno, fmt::format("remove '{}'", child));
    }
  }
}

}  // namespace

Fd openFile(const std::string& path, int flags, mode_t mode) {
  return Fd(check(::open(path.c_str(), flags | O_CLOEXEC, mode), "open '{}'", path));
}

Fd openDirectory(const std::string& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

std::string readFile(const std::string& path, std::size_t limit) {
  const Fd fd = openFile(path, O_RDONLY);
  return readAll(fd.get(), limit, "'" + path + "'");
}

std::optional<std::string> readFileIfExists(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw systemError(errno, fmt::format("open '{}'", path));
  }
  return readAll(fd.get(), limit, "'" + path + "'");
}

void writeAtomic(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = path + ".new";
  {
    const Fd fd = openFile(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    try {
      writeAll(fd.get(), bytes, "'" + temporary + "'");
      check(::fchmod(fd.get(), mode), "set the mode of '{}'", temporary);
      check(::fsync(fd.get()), "sync '{}'", temporary);
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
  }
  check(::rename(temporary.c_str(), path.c_str()), "replace '{}'", path);
  syncDirectory(parentOf(path));
}

void writeExisting(const std::string& path, std::string_view bytes) {
  const Fd fd = openFile(path, O_WRONLY);
  check(::write(fd.get(), bytes.data(), bytes.size()), "write '{}' to '{}'", bytes, path);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

void makeDirectories(const std::string& path, mode_t mode) {
  if (path.empty() || path == "/") return;
  if (::mkdir(path.c_str(), mode) == 0) return;
  if (errno == ENOENT) {
    makeDirectories(parentOf(path), mode);
    if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return;
  }
  const int saved = errno;
  struct stat status {};
  if (saved == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
  throw systemError(saved, fmt::format("create the directory '{}'", path));
}

std::vector<std::string> listDirectory(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), &::closedir);
  if (!stream) {
    if (errno == ENOENT) return names;
    throw systemError(errno, fmt::format("list '{}'", path));
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void removeTree(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    throw systemError(errno, fmt::format("look at '{}'", path));
  }
  if (!S_ISDIR(status.st_mode)) return removeFile(path);
  emptyDirectory(openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path, status.st_dev);
  if (::rmdir(path.c_str()) < 0 && errno != ENOENT)
    throw systemError(errno, fmt::format("remove '{}'", path));
}

void removeFile(const std::string& path) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT)
    throw systemError(errno, fmt::format("remove '{}'", path));
}

TempDir::TempDir(const std::string& parent) : path_(parent + "/vsd-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr)
    throw systemError(errno, fmt::format("create a temporary directory in '{}'", parent));
}

TempDir::~TempDir() {
  try {
    removeTree(path_);
  } catch (const std::exception&) {
    // A temporary directory left behind harms nobody.
  }
}

}  // namespace vs
