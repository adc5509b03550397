#include "vsd/storage/directory.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "vsd/base/file.hpp"

namespace vs::storage {

void makePrivateDirectory(const std::string& path) {
  makeDirectories(path, 0700);
  check(::chmod(path.c_str(), 0700), "set the mode of '{}'", path);
}

Bytes freeSpace(const std::string& path) {
  struct statvfs status {};
  check(::statvfs(path.c_str(), &status), "look at the free space of '{}'", path);
  return {status.f_bavail * status.f_frsize};
}

bool canReflink(const std::string& directory) {
  const auto temporary = [&] {
    return Fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  };
  const Fd from = temporary();
  const Fd to = temporary();
  if (!from || !to || ::ftruncate(from.get(), 4096) < 0) return false;
  return ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

Fd lockDirectory(const std::string& path, int operation, const Error& absent) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory && errno == ENOENT) throw absent;
  check(directory.get(), "open '{}'", path);
  if (::flock(directory.get(), operation | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK) throw systemError(errno, fmt::format("lock '{}'", path));
    throw Error(Kind::Busy, fmt::format("'{}' is being copied or removed", path))
        .withHint("try again when the other operation has ended");
  }
  struct stat locked {};
  struct stat named {};
  check(::fstat(directory.get(), &locked), "look at '{}'", path);
  if (::lstat(path.c_str(), &named) < 0 || named.st_ino != locked.st_ino) throw absent;
  return directory;
}

void syncFileSystem(const std::string& path) {
  const Fd directory = openDirectory(path);
  check(::syncfs(directory.get()), "sync the file system of '{}'", path);
}

void renameIn(const std::string& parent, const std::string& from, const std::string& to) {
  const Fd directory = openDirectory(parent);
  if (::renameat2(directory.get(), from.c_str(), directory.get(), to.c_str(), RENAME_NOREPLACE) <
      0) {
    if (errno == EEXIST) throw Error(Kind::Exists, fmt::format("'{}' exists in '{}'", to, parent));
    throw systemError(errno, fmt::format("rename '{}' to '{}' in '{}'", from, to, parent));
  }
  check(::fsync(directory.get()), "sync the directory '{}'", parent);
}

}  // namespace vs::storage
