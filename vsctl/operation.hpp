// Changing verbs: a call that becomes an operation of the daemon, carried out to its end, planned
// (--dry-run) or only begun (--async), for one object or for many.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsctl/session.hpp"
#include "vsd/base/json.hpp"

namespace vs::ctl {

// "create" and "created": what is said while it is done and when it is.
struct Wording {
  std::string_view verb;
  std::string_view done;
};

// One piece of work to ask for.
struct Work {
  Wording wording;
  std::string object;
  std::string method;
  Json parameters = Json::object();
  std::vector<int> fds;  // descriptors the call carries; not owned
};

// Asks for every piece of work, at most `parallel` at a time, and prints the result of each: a line
// for people, a document of all operations or plans for programs. Errors do not stop the others.
// Ctrl-C asks the daemon to abort what runs, a second one leaves it running.
// Returns the exit code: that of the first in order that failed.
int carryOut(Session& session, const std::vector<Work>& works, unsigned parallel = 1);
int carryOut(Session& session, Work work);

// Throws what went wrong in an operation that did not end well.
void throwIfFailed(const Json& operation);

}  // namespace vs::ctl
