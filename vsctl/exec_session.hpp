// Running a program in a context from this end: the call, the conversation with the helper
// (vsd/kernel/boot_plan.hpp), and the relay of bytes, signals and window size until the program
// ends.
//
// The context never gets a descriptor of the user's: it gets pipes or a terminal of its own, and we
// relay. That is binary-clean and passes the end of input on.
#pragma once

#include <string>
#include <vector>

#include "vsd/api/client.hpp"

namespace vs::ctl {

struct ExecRequest {
  std::string context;
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string directory;
  std::string user;
  bool terminal = false;
};

// The user's side: where input comes from and output goes to.
struct ExecStreams {
  int in = 0;
  int out = 1;
  int error = 2;
};

// Runs it to its end and returns its exit status, 128 + signal when one ended it, 126 or 127 when
// it could not be started. Throws when the context, vsd or the helper failed.
int execute(api::Client& client, const ExecRequest& request, const ExecStreams& streams = {});

}  // namespace vs::ctl
