// The talk with criu (`criu swrk`, over a SOCK_SEQPACKET socket): one request, what criu says on
// its way, and how it ended.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"

namespace vs::checkpoint {

// Where criu stands; it waits there for the answer (criu, criu/action-scripts.c and cr-*.c).
enum class Stage {
  SetupNamespaces,  // restore: the namespaces are there, nothing in them
  ConsoleMaster,    // restore: brings the master of a terminal whose slave was open
  PostRestore,      // restore: all is there; the last stage that may still be refused
  PreResume,        // restore: nothing has run yet, and nothing can be refused any more
  PostDump,         // dump: the images are complete, nothing runs
  Other,
};

struct Notification {
  Stage stage = Stage::Other;
  pid_t pid = 0;  // SetupNamespaces, PostRestore: the init
  Fd fd;          // ConsoleMaster
};
// What it throws is criu's answer no, and the end of the request.
using Listener = std::function<void(Notification& notification)>;

// What criu has said of itself; encoded requests come from requests.hpp.
struct Reply {
  pid_t pid = 0;  // restore: the init
};

// Asks, listens, and returns when criu says that it is done. `logDirectory` is where its log lies,
// under `log`. Throws what the listener threw, else Failed with the first error of the log in plain
// words; TimedOut when criu says nothing for `patience`.
Reply ask(int socket, const std::string& request, const Listener& listener, Millis patience,
          int logDirectory, const std::string& log);

}  // namespace vs::checkpoint
