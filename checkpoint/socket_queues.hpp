// What waits at sockets, for moments usually, and that criu cannot save: of the tables in
// /proc/PID/net. Pure; lines that are none are skipped.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>

namespace vs::checkpoint {

// Connections that are there for their other ends, but that the program behind a listening socket
// has not accepted yet: how many wait at all sockets of `tcp` or `tcp6` (proc_pid_net(5): the
// receive queue of one that listens).
std::uint64_t waitingConnections(std::string_view table);

// The inodes of the sockets of `netlink` that hold what nobody has read.
std::set<std::uint64_t> unreadNetlink(std::string_view table);

}  // namespace vs::checkpoint
