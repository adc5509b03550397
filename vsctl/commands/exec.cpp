#include <unistd.h>

#include "vsctl/commands/commands.hpp"
#include "vsctl/exec_session.hpp"
#include "vsctl/session.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action execVerb(Flags& flags) {
  struct Options {
    ExecRequest request;
    bool terminal = false;
    bool noTerminal = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->request.context);
  flags.text("-u,--user", options->request.user, "USER",
             "user inside: NAME, UID, NAME:GROUP or UID:GID");
  flags.list("-e,--env", options->request.environment, Flags::Split::Never, "NAME=VALUE",
             "set a variable");
  flags.text("--cwd", options->request.directory, "DIRECTORY", "directory inside to run it in");
  flags.toggle("-t,--terminal", options->terminal, "with a terminal of its own");
  flags.toggle("-T,--no-terminal", options->noTerminal, "with plain pipes");
  flags.exclude("--no-terminal", "--terminal");
  return [options](Session& session) {
    ExecRequest& request = options->request;
    request.command = session.rest();
    if (request.command.empty())
      throw invalid("which command is to be run in '{}'?", request.context)
          .withHint("vsctl exec CONTEXT COMMAND...; 'vsctl enter CONTEXT' opens a shell");
    for (const std::string& variable : request.environment)
      if (variable.find('=') == std::string::npos)
        throw invalid("--env '{}' is not NAME=VALUE", variable);
    const bool onTerminal = isTerminal(STDIN_FILENO) && isTerminal(STDOUT_FILENO);
    request.terminal = options->terminal || (onTerminal && !options->noTerminal);
    return execute(session.client(), request);
  };
}

}  // namespace vs::ctl
