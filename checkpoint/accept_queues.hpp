// Connections that are there for their other ends, but that the program behind a listening socket
// has not accepted yet: criu cannot save them.
#pragma once

#include <cstdint>
#include <string_view>

namespace vs::checkpoint {

// How many wait at all listening sockets of a table as /proc/PID/net/tcp and tcp6 are
// (proc_pid_net(5): the receive queue of one that listens). Pure; lines that are none are skipped.
std::uint64_t waitingConnections(std::string_view table);

}  // namespace vs::checkpoint
