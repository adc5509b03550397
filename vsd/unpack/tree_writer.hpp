// Writes the entries of a foreign archive below one directory, so that whatever they are called and
// wherever they point, nothing outside is touched. This holds without the cage; the cage is the
// second wall.
//
// The rules
//   * The directory of an entry is opened by openat2(2) beneath the root, every symbolic link and
//     mount refused: links may be entries, they are never followed. Missing directories are made.
//   * An entry replaces a file, link or FIFO of its name (never writes through it), never a
//   directory.
//   * A hard link's target is opened by the same rules and must be a regular file of the tree.
//   * Modes with set-id bits, owners, times, ACLs, user attributes and file capabilities are kept.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/unpack/entry.hpp"

namespace vs::unpack {

class TreeWriter {
 public:
  // `root` is a descriptor of the directory (O_PATH will do) and must outlive the writer.
  explicit TreeWriter(int root) : root_(root) {}

  // Makes the entry. Of a file, returns the descriptor to write its content to, and settle() must
  // follow; of the rest, an empty one. Throws a refusal (entry_path.hpp) or a system error.
  Fd create(const Entry& entry);
  // Gives a written file its size, owner, mode, attributes and time.
  void settle(const Fd& file, const Entry& entry);
  // Gives directories what their entries would have changed: attributes (a default ACL) and times.
  void finish();

 private:
  int openParent(const std::string& parent, const Entry& entry);
  Fd openDirectory(const std::string& path, const Entry& entry, std::string_view role);
  void makeMissing(const std::string& path);
  void clearWay(int parent, const std::string& leaf, const Entry& entry);
  void makeDirectory(int parent, const std::string& leaf, const Entry& entry);
  void makeHardLink(int parent, const std::string& leaf, const Entry& entry);

  int root_;
  // The parent of the entry before: most entries have the same. It stays valid because directories
  // are never removed or replaced here.
  std::string lastParent_;
  Fd lastParentFd_;
  std::vector<Entry> directories_;
};

}  // namespace vs::unpack
