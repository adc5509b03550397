#include "vsd/storage/tree_difference.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/root_fs.hpp"

namespace vs::storage {
namespace {

constexpr unsigned long long kInside =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;

using Status = struct stat;

std::string_view typeOf(const Status& status) {
  switch (status.st_mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFREG:
      return "file";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

bool isSame(const timespec& one, const timespec& other) {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

// One directory in one of the trees; a tree may have none of that path.
class Directory {
 public:
  Directory() = default;
  Directory(Fd fd, const std::string& path) : stream_(::fdopendir(fd.get())) {
    if (!stream_) throw systemError(errno, fmt::format("read '{}'", printable(path)));
    fd.release();  // the stream closes it
  }

  Directory open(const std::string& name, const std::string& path) const {
    Fd fd = openResolved(this->fd(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, kInside);
    check(fd.get(), "open '{}'", printable(path));
    return {std::move(fd), path};
  }

  // nullopt at the end.
  std::optional<std::string> next(const std::string& path) {
    while (stream_) {
      errno = 0;
      const dirent* entry = ::readdir(stream_.get());
      if (entry == nullptr && errno != 0)
        throw systemError(errno, fmt::format("read '{}'", printable(path)));
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") return name;
    }
    return std::nullopt;
  }

  std::optional<Status> look(const std::string& name, const std::string& path) const {
    Status status{};
    if (!stream_) return std::nullopt;
    if (::fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
      return status;
    if (errno == ENOENT) return std::nullopt;
    throw systemError(errno, fmt::format("look at '{}'", printable(path)));
  }

  // Its own extended attributes: ACLs, labels, user's. No list and no value is longer than 64 KiB
  // (xattr(7)).
  std::map<std::string, std::string> attributes(const std::string& path) const {
    std::map<std::string, std::string> found;
    const auto sizeIn = [&](ssize_t size) {
      if (size < 0 && errno != ENOTSUP && errno != ENODATA)
        throw systemError(errno, fmt::format("read the attributes of '{}'", printable(path)));
      return static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    };
    std::string names(XATTR_LIST_MAX, '\0');
    std::string value(XATTR_SIZE_MAX, '\0');
    names.resize(sizeIn(::flistxattr(fd(), names.data(), names.size())));
    for (std::size_t at = 0; at < names.size(); at += std::strlen(&names[at]) + 1)
      found[&names[at]] =
          value.substr(0, sizeIn(::fgetxattr(fd(), &names[at], value.data(), value.size())));
    return found;
  }

  std::string targetOf(const std::string& name) const {
    char target[4096];  // PATH_MAX: links are no longer
    const ssize_t size = ::readlinkat(fd(), name.c_str(), target, sizeof target);
    return {target, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  int fd() const { return ::dirfd(stream_.get()); }

  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::unique_ptr<DIR, Close> stream_;
};

struct Level {
  std::string path;
  Directory before;
  Directory after;
  bool listsBefore = true;  // then what is new in `after`
};

// One name in both trees.
struct Entry {
  std::string name;
  std::string path;
  std::optional<Status> before;
  std::optional<Status> after;
};

std::vector<std::string_view> changesOf(const Level& level, const Entry& entry) {
  const Status& before = *entry.before;
  const Status& after = *entry.after;
  const bool isDirectory = S_ISDIR(after.st_mode);
  std::vector<std::string_view> what;
  if (typeOf(before) != typeOf(after)) what.emplace_back("type");
  if (what.empty() && before.st_ino == after.st_ino && isSame(before.st_ctim, after.st_ctim))
    return what;
  if (what.empty() && S_ISREG(after.st_mode) &&
      (before.st_size != after.st_size || !isSame(before.st_mtim, after.st_mtim)))
    what.emplace_back("content");
  if ((before.st_mode & 07777) != (after.st_mode & 07777)) what.emplace_back("mode");
  if (before.st_uid != after.st_uid || before.st_gid != after.st_gid) what.emplace_back("owner");
  if (S_ISLNK(before.st_mode) && S_ISLNK(after.st_mode) &&
      level.before.targetOf(entry.name) != level.after.targetOf(entry.name))
    what.emplace_back("target");
  if (before.st_rdev != after.st_rdev) what.emplace_back("device");
  if (!isDirectory && before.st_nlink != after.st_nlink) what.emplace_back("links");
  // What else sets ctime: extended attributes, or a file that was put in the place of another.
  if (what.empty() && !isDirectory) what.emplace_back("attributes");
  // A directory's ctime is set by every entry that comes and goes: these are looked at themselves.
  if (isDirectory && S_ISDIR(before.st_mode) &&
      level.before.open(entry.name, entry.path).attributes(entry.path) !=
          level.after.open(entry.name, entry.path).attributes(entry.path))
    what.emplace_back("attributes");
  return what;
}

class Comparison {
 public:
  Comparison(const Looking& looking, const Found& found) : looking_(looking), found_(found) {}

  std::uint64_t run(const std::string& before, const std::string& after) {
    levels_.push_back({"", openTree(before), openTree(after)});
    while (!levels_.empty()) step(levels_.back());
    return tooDeep_;
  }

 private:
  static Directory openTree(const std::string& path) {
    return {openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path};
  }

  void step(Level& level) {
    const auto name = (level.listsBefore ? level.before : level.after).next(level.path);
    if (!name && !std::exchange(level.listsBefore, false)) return levels_.pop_back();
    if (!name) return;
    looking_();
    Entry entry{*name, level.path + "/" + *name, {}, {}};
    entry.before = level.before.look(entry.name, entry.path);
    if (!level.listsBefore && entry.before) return;  // looked at already
    entry.after = level.after.look(entry.name, entry.path);
    tell(level, entry);
    goInto(level, entry);
  }

  void tell(const Level& level, const Entry& entry) {
    Difference difference;
    const Status& shown = entry.after ? *entry.after : *entry.before;
    difference.path = entry.path;
    difference.type = typeOf(shown);
    if (S_ISREG(shown.st_mode)) difference.size = static_cast<std::uint64_t>(shown.st_size);
    if (entry.before && entry.after) {
      difference.what = changesOf(level, entry);
      if (difference.what.empty()) return;
    } else {
      difference.change = entry.after ? Change::Added : Change::Removed;
    }
    found_(std::move(difference));
  }

  void goInto(const Level& level, const Entry& entry) {
    const bool before = entry.before && S_ISDIR(entry.before->st_mode);
    const bool after = entry.after && S_ISDIR(entry.after->st_mode);
    if (!before && !after) return;
    if (levels_.size() >= kDeepest) {
      ++tooDeep_;
      return;
    }
    Level below;
    below.path = entry.path;
    if (before) below.before = level.before.open(entry.name, entry.path);
    if (after) below.after = level.after.open(entry.name, entry.path);
    levels_.push_back(std::move(below));
  }

  const Looking& looking_;
  const Found& found_;
  std::vector<Level> levels_;
  std::uint64_t tooDeep_ = 0;
};

}  // namespace

std::string_view nameOf(Change change) {
  switch (change) {
    case Change::Added:
      return "added";
    case Change::Removed:
      return "removed";
    case Change::Changed:
      return "changed";
  }
  return "changed";
}

std::uint64_t compareTrees(const std::string& before, const std::string& after,
                           const Looking& looking, const Found& found) {
  return Comparison(looking, found).run(before, after);
}

}  // namespace vs::storage
