#include "vsd/unpack/tree_writer.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/root_fs.hpp"
#include "vsd/unpack/attributes.hpp"
#include "vsd/unpack/entry_path.hpp"

namespace vs::unpack {
namespace {

constexpr unsigned long long kStayBelow =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

std::string orDot(const std::string& path) { return path.empty() ? "." : path; }

template <typename Integer>
void must(Integer result, std::string_view what, const Entry& entry) {
  if (result < 0) throw systemError(errno, fmt::format("{} '{}'", what, printable(entry.path)));
}

// Owner before mode and attributes: a change of owner clears set-id bits and file capabilities.
void setAll(int fd, const Entry& entry) {
  must(::fchown(fd, entry.uid, entry.gid), "set the owner of", entry);
  must(::fchmod(fd, entry.mode), "set the mode of", entry);
}

void setAttributes(int fd, const Entry& entry) {
  for (const Attribute& attribute : entry.attributes)
    must(::fsetxattr(fd, attribute.name.c_str(), attribute.value.data(), attribute.value.size(), 0),
         fmt::format("set the attribute '{}' of", printable(attribute.name)), entry);
}

// Of a name that is no directory and no file; a link's own time.
void setNamed(int parent, const std::string& leaf, const Entry& entry) {
  must(::fchownat(parent, leaf.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW),
       "set the owner of", entry);
  const timespec times[2] = {{0, UTIME_OMIT}, entry.modified};
  must(::utimensat(parent, leaf.c_str(), times, AT_SYMLINK_NOFOLLOW), "set the time of", entry);
}

void setTime(int fd, const Entry& entry) {
  const timespec times[2] = {{0, UTIME_OMIT}, entry.modified};
  must(::futimens(fd, times), "set the time of", entry);
}

}  // namespace

Fd TreeWriter::create(const Entry& entry) {
  if (entry.path.empty()) {
    if (entry.type != EntryType::Directory) throw refusal(".", "the root must be a directory");
    makeDirectory(root_, ".", entry);
    return {};
  }
  const auto [parentPath, leaf] = split(entry.path);
  const int parent = openParent(parentPath, entry);
  if (entry.type == EntryType::HardLink) {
    makeHardLink(parent, leaf, entry);
    return {};
  }
  clearWay(parent, leaf, entry);
  switch (entry.type) {
    case EntryType::Directory:
      makeDirectory(parent, leaf, entry);
      break;
    case EntryType::Link:
      must(::symlinkat(entry.target.c_str(), parent, leaf.c_str()), "create the link", entry);
      setNamed(parent, leaf, entry);
      break;
    case EntryType::Fifo:
      must(::mknodat(parent, leaf.c_str(), S_IFIFO | 0600, 0), "create the FIFO", entry);
      setNamed(parent, leaf, entry);
      must(::fchmodat(parent, leaf.c_str(), entry.mode, 0), "set the mode of", entry);
      break;
    default: {
      Fd file(::openat(parent, leaf.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0600));
      must(file.get(), "create", entry);
      return file;
    }
  }
  return {};
}

void TreeWriter::settle(const Fd& file, const Entry& entry) {
  must(::ftruncate(file.get(), static_cast<off_t>(entry.size)), "set the size of", entry);
  setAll(file.get(), entry);
  setAttributes(file.get(), entry);
  setTime(file.get(), entry);
}

void TreeWriter::finish() {
  // Children first, so that a parent's time is set after the last change below it.
  for (auto entry = directories_.rbegin(); entry != directories_.rend(); ++entry) {
    const Fd directory = openDirectory(entry->path, *entry, "it");
    setAttributes(directory.get(), *entry);
    setTime(directory.get(), *entry);
  }
}

int TreeWriter::openParent(const std::string& parent, const Entry& entry) {
  if (lastParentFd_ && parent == lastParent_) return lastParentFd_.get();
  makeMissing(parent);
  lastParentFd_ = openDirectory(parent, entry, "its path");
  lastParent_ = parent;
  return lastParentFd_.get();
}

// `role` says in the message what the path is of the entry: "its path", "its target".
Fd TreeWriter::openDirectory(const std::string& path, const Entry& entry, std::string_view role) {
  Fd directory = openResolved(root_, orDot(path), O_RDONLY | O_DIRECTORY, 0, kStayBelow);
  if (directory) return directory;
  const int saved = errno;
  if (saved == ELOOP)
    throw refusal(entry.path, fmt::format("{} leads through a symbolic link", role));
  if (saved == ENOTDIR)
    throw refusal(entry.path, fmt::format("{} leads through what is no directory", role));
  if (saved == EXDEV) throw refusal(entry.path, fmt::format("{} leads out of the tree", role));
  if (saved == ENOENT) throw refusal(entry.path, fmt::format("{} does not exist", role));
  throw systemError(saved, fmt::format("open the directory of '{}'", printable(entry.path)));
}

// Directories that the archive uses before, or without, having them as entries. A link in the way
// stops it at EEXIST or fails the open that follows; it is never passed.
void TreeWriter::makeMissing(const std::string& path) {
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const auto [parentPath, leaf] = split(path.substr(0, end));
    if (openResolved(root_, path.substr(0, end), O_PATH | O_NOFOLLOW, 0, kStayBelow)) continue;
    if (errno != ENOENT) return;
    const Fd parent = openResolved(root_, orDot(parentPath), O_PATH | O_DIRECTORY, 0, kStayBelow);
    if (!parent) return;
    check(::mkdirat(parent.get(), leaf.c_str(), 0755), "create the directory '{}'",
          printable(path.substr(0, end)));
  }
}

void TreeWriter::clearWay(int parent, const std::string& leaf, const Entry& entry) {
  struct stat status {};
  if (::fstatat(parent, leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return;
    must(-1, "look at", entry);
  }
  if (!S_ISDIR(status.st_mode)) return must(::unlinkat(parent, leaf.c_str(), 0), "replace", entry);
  if (entry.type != EntryType::Directory)
    throw refusal(entry.path, "a directory of that name is there already");
}

void TreeWriter::makeDirectory(int parent, const std::string& leaf, const Entry& entry) {
  if (leaf != "." && ::mkdirat(parent, leaf.c_str(), 0700) < 0 && errno != EEXIST)
    must(-1, "create the directory", entry);
  const Fd directory(
      ::openat(parent, leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  must(directory.get(), "open the directory", entry);
  setAll(directory.get(), entry);
  directories_.push_back(entry);
}

void TreeWriter::makeHardLink(int parent, const std::string& leaf, const Entry& entry) {
  if (entry.target == entry.path) throw refusal(entry.path, "it is a hard link to itself");
  const auto [targetParent, targetLeaf] = split(entry.target);
  const Fd from = openDirectory(targetParent, entry, "its target");
  struct stat status {};
  if (::fstatat(from.get(), targetLeaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
    throw refusal(entry.path, fmt::format("it is a hard link to '{}', which is not there",
                                          printable(entry.target)));
  if (!S_ISREG(status.st_mode))
    throw refusal(entry.path, fmt::format("it is a hard link to '{}', which is no regular file",
                                          printable(entry.target)));
  clearWay(parent, leaf, entry);
  must(::linkat(from.get(), targetLeaf.c_str(), parent, leaf.c_str(), 0), "create the hard link",
       entry);
}

}  // namespace vs::unpack
