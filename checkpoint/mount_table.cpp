#include "checkpoint/mount_table.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "checkpoint/words.hpp"

namespace vs::checkpoint {
namespace {

bool parse(std::string_view word, int& number) {
  return std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc();
}

// "\040" for a blank, and so on.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    int code = 0;
    const std::string_view digits = text.substr(at + 1, 3);
    if (text[at] == '\\' && digits.size() == 3 &&
        std::from_chars(digits.data(), digits.data() + 3, code, 8).ptr == digits.data() + 3) {
      plain += static_cast<char>(code);
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

bool isAbove(const std::string& directory, const std::string& path) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

MountTable::MountTable(std::string_view mountinfo) {
  // "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
  for (const std::string_view line : linesOf(mountinfo)) {
    const std::vector<std::string_view> words = wordsOf(line);
    const auto dash = std::ranges::find(words, std::string_view("-"));
    Mount mount;
    if (dash - words.begin() < 6 || words.end() - dash < 2 || !parse(words[0], mount.id) ||
        !parse(words[1], mount.parent))
      continue;
    mount.device = words[2];
    mount.point = unescaped(words[4]);
    mount.type = dash[1];
    mounts_[mount.id] = std::move(mount);
  }
}

const Mount* MountTable::find(int id) const {
  const auto found = mounts_.find(id);
  return found == mounts_.end() ? nullptr : &found->second;
}

const Mount* MountTable::root() const {
  for (const auto& [id, mount] : mounts_)
    if (mount.point == "/" && !mounts_.contains(mount.parent)) return &mount;
  return nullptr;
}

bool MountTable::isCovered(const Mount& mount) const {
  for (const auto& [id, other] : mounts_) {
    if (id == mount.id) continue;
    if (other.parent == mount.id && other.point == mount.point) return true;
    // One of the same parent, on the way to it. Siblings at the same place: the parent holds only
    // the first of them, so this one is not of that kind.
    if (other.parent == mount.parent && other.point != mount.point &&
        isAbove(other.point, mount.point))
      return true;
  }
  const Mount* parent = find(mount.parent);
  return parent != nullptr && parent->id != mount.id && isCovered(*parent);
}

}  // namespace vs::checkpoint
