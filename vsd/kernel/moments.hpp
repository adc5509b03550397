// States that processes are in for moments, and in which criu cannot save them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <vector>

namespace vs {

// Those of `pids` that share their memory, working directory or signal handlers with another of
// them, as between vfork(2) and execve(2); the first of each such group is left out. What has ended
// shares nothing (kcmp(2)).
std::set<pid_t> sharersAmong(const std::vector<pid_t>& pids);

// The inodes of the unix sockets in the network namespace of `pid` at which something waits that
// nobody has read, or connections that nobody has accepted (sock_diag(7)). Throws systemError.
std::set<std::uint64_t> unreadUnixSockets(pid_t pid);

}  // namespace vs
