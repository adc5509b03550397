// The mounts of a process, as far as a checkpoint asks for them.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace vs::checkpoint {

// One line of proc_pid_mountinfo(5).
struct Mount {
  int id = 0;
  int parent = 0;
  std::string device;  // "8:1"
  std::string point;   // where it is mounted, as the process sees it
  std::string type;    // "ext4", "fuse.sshfs"
};

class MountTable {
 public:
  // Of the text of /proc/PID/mountinfo; lines that are none are skipped.
  explicit MountTable(std::string_view mountinfo);

  const std::map<int, Mount>& all() const { return mounts_; }
  const Mount* find(int id) const;
  // Null when nothing is mounted at "/".
  const Mount* root() const;
  // Another mount lies over it, or over a directory above it, so that no path leads to it. What
  // lies on a mount that is covered counts too, even when it is what covers it: criu sees it so.
  bool isCovered(const Mount& mount) const;

 private:
  std::map<int, Mount> mounts_;
};

}  // namespace vs::checkpoint
