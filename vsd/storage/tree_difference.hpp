// What has come, gone or changed between two states of one file system, by the metadata of its
// inodes: no file is read. A file that has the same inode and the same time of its last change
// (ctime, which nobody inside can set) is the same.
//
// The trees are foreign ground: no link is followed, nothing outside is reached, names are any
// bytes. Memory and descriptors are bounded by kDeepest levels, whatever the trees hold:
// directories are gone through as the kernel lists them, in no order, twice (what was there, then
// what is new).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace vs::storage {

inline constexpr std::size_t kDeepest = 200;

enum class Change { Added, Removed, Changed };
std::string_view nameOf(Change change);

struct Difference {
  Change change = Change::Changed;
  std::string_view type;  // "file", "directory", "link", "fifo", "socket", "device"; of what is new
  std::string path;       // raw bytes, "/etc/hosts"
  std::vector<std::string_view> what;  // of a change: "type", "content", "mode", "owner", "target",
                                       // "device", "links", "attributes"
  std::uint64_t size = 0;              // of the file
};

// Called for each entry that is looked at, may throw to end it.
using Looking = std::function<void()>;
using Found = std::function<void(Difference difference)>;

// Of the trees below two directories. Returns how many directories were not gone into because they
// lie deeper than kDeepest. Of directories themselves type, mode, owner and extended attributes
// count: their ctime changes with every entry.
std::uint64_t compareTrees(const std::string& before, const std::string& after,
                           const Looking& looking, const Found& found);

}  // namespace vs::storage
