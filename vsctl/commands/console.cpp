#include <unistd.h>

#include "vsctl/commands/commands.hpp"
#include "vsctl/console_session.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action consoleVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string detachKey = "ctrl-]";
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.text("--detach-key", options->detachKey, "KEY", "the key that leaves, ctrl-] (or none)");
  return [options](Session& session) {
    const std::optional<char> key = parseDetachKey(options->detachKey);
    api::Reply reply = session.client().call("Console", {{"name", options->name}});
    if (reply.fds.empty()) throw failed("the daemon sent no console for '{}'", options->name);
    if (isTerminal(STDIN_FILENO))
      session.note(fmt::format("console of '{}'{}", options->name,
                               key ? fmt::format("; {} leaves it", options->detachKey) : ""));
    const ConsoleEnd end = relayConsole(reply.fds.front(), key);
    session.note(end == ConsoleEnd::Detached
                     ? fmt::format("left the console of '{}'", options->name)
                     : fmt::format("the console of '{}' was closed", options->name));
    return kSuccess;
  };
}

}  // namespace vs::ctl
