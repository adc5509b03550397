// What is asked of criu, as values, and as the bytes it reads. Pure.
//
// The same everywhere: cgroups, network and freezing are vsd's; connections of TCP are kept; file
// locks, deleted files and unix sockets that lead out are saved as they are.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace vs::checkpoint {

// Of a deleted file that is still open, bytes: what is larger is refused.
inline constexpr unsigned kGhostLimit = 1U << 30;

struct DumpRequest {
  pid_t pid = 0;        // host pid of its init
  int images = -1;      // directory for the images, a descriptor of the caller
  std::string freezer;  // its cgroup, as criu sees it: it is frozen, and is so again afterwards
  std::vector<std::string> externals;  // "mnt[PATH INSIDE]:KEY"
};

struct RestoreRequest {
  int images = -1;                     // as the root of its user namespace may read them
  int log = -1;                        // directory for the log
  std::string root;                    // of its file system, a mount point that criu sees
  std::vector<std::string> externals;  // "mnt[KEY]:PATH THAT CRIU SEES"
  enum class Tcp { Keep, Close } tcp = Tcp::Keep;
};

// The log of a request, a file beside its images.
inline constexpr const char* kDumpLog = "dump.log";
inline constexpr const char* kRestoreLog = "restore.log";

std::string encode(const DumpRequest& request);
std::string encode(const RestoreRequest& request);
// What criu makes of the kernel; it keeps that for its next requests.
std::string encodeFeatureCheck();
// The answer to a notification.
std::string encodeAnswer(bool success);

}  // namespace vs::checkpoint
