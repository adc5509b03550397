#include "vsd/unpack/tree_reader.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"

namespace vs::unpack {

std::vector<std::string> namesIn(int directory, const std::string& path) {
  // A descriptor of its own: reading it moves its position, and closedir() closes it.
  Fd own(check(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open '{}'",
               printable(path)));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), &::closedir);
  if (!stream) throw systemError(errno, fmt::format("list '{}'", printable(path)));
  own.release();
  std::vector<std::string> names;
  while (const dirent* found = ::readdir(stream.get())) {
    const std::string name = found->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct stat statusOf(int directory, const std::string& name, const std::string& path) {
  struct stat status {};
  check(::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW), "look at '{}'",
        printable(path));
  return status;
}

Fd openIn(int directory, const std::string& name, int flags, const std::string& path) {
  return Fd(check(
      ::openat(directory, name.c_str(), flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
      "open '{}'", printable(path)));
}

std::string_view unwantedKind(mode_t mode) {
  if (S_ISSOCK(mode)) return "socket";
  return S_ISCHR(mode) || S_ISBLK(mode) ? "device node" : "";
}

std::vector<Attribute> attributesOf(int fd, const std::string& path) {
  std::string names(65536, '\0');
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0 && errno == ENOTSUP) return {};
  names.resize(
      static_cast<std::size_t>(check(size, "list the attributes of '{}'", printable(path))));
  std::vector<Attribute> attributes;
  for (std::size_t start = 0; start < names.size();) {
    const std::string name = names.c_str() + start;
    start += name.size() + 1;
    std::string value(65536, '\0');
    const ssize_t got = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (got < 0 && errno == ENODATA) continue;
    value.resize(static_cast<std::size_t>(
        check(got, "read the attribute '{}' of '{}'", name, printable(path))));
    attributes.push_back({name, value});
  }
  return attributes;
}

std::vector<Extent> dataOf(int fd, const struct stat& status) {
  const off_t size = status.st_size;
  std::vector<Extent> extents;
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 || data >= size) break;  // ENXIO: there is only a hole left
    const off_t hole = ::lseek(fd, data, SEEK_HOLE);
    at = hole < 0 ? size : std::min(hole, size);
    extents.push_back({static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(at - data)});
  }
  return extents;
}

}  // namespace vs::unpack
