// What stands in the way of saving a process, told from what /proc shows of it while it runs, so
// that it is known before anything is frozen. Pure. The rules are those of criu 4.1.1 (files.c,
// sockets.c, files-reg.c, mount.c, proc_parse.c, seize.c, tty.c).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mount_table.hpp"

namespace vs::checkpoint {

struct Obstacle {
  std::string kind;    // a word or two: "io_uring", "socket"
  std::string found;   // what it is, in words
  std::string remedy;  // what to do about it
};

// A descriptor of a process.
struct OpenFile {
  std::string target;    // what its link in /proc/PID/fd says
  std::string protocol;  // of a socket, by its xattr system.sockprotoname; empty: not known
  mode_t mode = 0;
  unsigned device = 0;      // MAJOR << 20 | MINOR of a device node
  unsigned links = 1;       // names that it has
  std::uint64_t bytes = 0;  // that it holds on its file system
  int mount = -1;           // ids and flags as in /proc/PID/fdinfo
  unsigned flags = 0;
};
constexpr unsigned deviceNumber(unsigned major, unsigned minor) { return major << 20 | minor; }

std::optional<Obstacle> obstacleIn(const OpenFile& file, const MountTable& mounts);

// What an inotify descriptor watches, of the text of /proc/PID/fdinfo/FD (proc_pid_fdinfo(5)).
struct Watch {
  std::uint64_t inode = 0;
  std::string device;  // "8:1"
  int handleType = 0;
  std::string handle;  // bytes, for open_by_handle_at(2)
};
std::vector<Watch> watchesIn(std::string_view fdinfo);

// Of a line of /proc/PID/maps.
std::optional<Obstacle> obstacleIn(std::string_view mapping);

// A process and its threads: the states of proc_pid_stat(5), its main thread's first.
struct Threads {
  std::vector<char> states;
  pid_t tracer = 0;
};
std::optional<Obstacle> obstacleIn(const Threads& threads);

// The multicast groups that programs have joined, as "224.0.0.251 on eth0", of the texts of
// /proc/PID/net/igmp and igmp6; those that every host is in are left out. criu does not join them
// again.
std::vector<std::string> joinedGroups(std::string_view igmp, std::string_view igmp6);
Obstacle ofJoinedGroup(const std::string& group);

// A mount that is not one of those that come from outside. `root` is that of the context.
std::optional<Obstacle> obstacleIn(const Mount& mount, const Mount& root);

}  // namespace vs::checkpoint
