#include "vsd/base/root_fs.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

constexpr unsigned long long kRead = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr unsigned long long kWrite = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

std::string relative(const std::string& path) {
  const std::size_t start = path.find_first_not_of('/');
  return start == std::string::npos ? "." : path.substr(start);
}

Error refusal(const std::string& path, int errnoValue) {
  if (errnoValue == ELOOP || errnoValue == EXDEV)
    return invalid("'{}' in the root file system passes through a symbolic link or mount", path)
        .withHint("replace the link by a plain directory or file in the template");
  return systemError(errnoValue, fmt::format("open '{}' in the root file system", path));
}

}  // namespace

Fd openResolved(int directory, const std::string& path, int flags, mode_t mode,
                unsigned long long resolve) {
  open_how how{};
  how.flags = static_cast<unsigned long long>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    // EAGAIN: a rename raced with a ".." (openat2(2)); the caller loses after a few tries.
    if (fd < 0 && errno == EAGAIN && attempt < 32) continue;
    return Fd(static_cast<int>(fd));
  }
}

RootFs::RootFs(const std::string& hostPath)
    : hostPath_(hostPath), root_(openFile(hostPath, O_PATH | O_DIRECTORY | O_NOFOLLOW)) {}

std::optional<std::string> RootFs::readFile(const std::string& path, std::size_t limit) const {
  // O_NONBLOCK: a FIFO in the way must not hold us up; anything but a regular file is refused
  // below.
  const Fd fd =
      openResolved(root_.get(), relative(path), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, kRead);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw refusal(path, errno);
  }
  struct stat status {};
  check(::fstat(fd.get(), &status), "look at '{}' in the root file system", path);
  if (!S_ISREG(status.st_mode))
    throw invalid("'{}' in the root file system is not a regular file", path);
  return readAll(fd.get(), limit, fmt::format("'{}' in the root file system", path));
}

Fd RootFs::openParent(const std::string& path, std::string& leaf) const {
  std::string inside = relative(path);
  const std::size_t slash = inside.rfind('/');
  leaf = slash == std::string::npos ? inside : inside.substr(slash + 1);
  const std::string parent = slash == std::string::npos ? "." : inside.substr(0, slash);
  if (leaf.empty() || leaf == "." || leaf == "..")
    throw invalid("'{}' names no file in the root file system", path);
  Fd directory = openResolved(root_.get(), parent, O_RDONLY | O_DIRECTORY, 0, kWrite);
  if (!directory) throw refusal(path, errno);
  return directory;
}

void RootFs::writeFile(const std::string& path, std::string_view bytes, mode_t mode) const {
  std::string leaf;
  const Fd directory = openParent(path, leaf);
  const std::string temporary = leaf + ".vsd-new";
  ::unlinkat(directory.get(), temporary.c_str(), 0);
  Fd fd(check(::openat(directory.get(), temporary.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode),
              "create '{}' in the root file system", path));
  try {
    writeAll(fd.get(), bytes, fmt::format("'{}' in the root file system", path));
    check(::fchmod(fd.get(), mode), "set the mode of '{}' in the root file system", path);
    check(::fsync(fd.get()), "sync '{}' in the root file system", path);
    check(::renameat(directory.get(), temporary.c_str(), directory.get(), leaf.c_str()),
          "replace '{}' in the root file system", path);
  } catch (...) {
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    throw;
  }
}

void RootFs::makeDirectory(const std::string& path, mode_t mode) const {
  std::string leaf;
  const Fd directory = openParent(path, leaf);
  if (::mkdirat(directory.get(), leaf.c_str(), mode) == 0) return;
  const int saved = errno;
  if (saved == EEXIST && entryAt(path) == Entry::Directory) return;
  throw systemError(saved, fmt::format("create '{}' in the root file system", path));
}

void RootFs::removeFile(const std::string& path) const {
  std::string leaf;
  const Fd directory = openParent(path, leaf);
  if (::unlinkat(directory.get(), leaf.c_str(), 0) < 0 && errno != ENOENT)
    throw systemError(errno, fmt::format("remove '{}' in the root file system", path));
}

RootFs::Entry RootFs::entryAt(const std::string& path) const {
  const Fd fd = openResolved(root_.get(), relative(path), O_PATH | O_NOFOLLOW, 0,
                             RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return Entry::None;
    throw refusal(path, errno);
  }
  struct stat status {};
  check(::fstat(fd.get(), &status), "look at '{}' in the root file system", path);
  if (S_ISLNK(status.st_mode)) return Entry::Link;
  if (S_ISDIR(status.st_mode)) return Entry::Directory;
  return S_ISREG(status.st_mode) ? Entry::File : Entry::Other;
}

}  // namespace vs
