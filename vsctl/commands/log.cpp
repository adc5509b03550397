#include <unistd.h>

#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

// What a context wrote must not steer the reader's terminal; into files and pipes it goes
// unchanged.
void printLog(const Json& reply) {
  const std::string text = reply.value("text", "");
  print(isTerminal(STDOUT_FILENO) ? cleanOutput(text) : text);
}

}  // namespace

Action logVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string lines;
    bool follow = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.text("-n,--lines", options->lines, "NUMBER", "only the newest lines");
  flags.toggle("-f,--follow", options->follow, "go on with what is written from now on");
  return [options](Session& session) {
    Json parameters = {{"name", options->name}};
    if (!options->lines.empty())
      parameters["lines"] = parseWhole(options->lines, "--lines", 0, 1'000'000'000);
    if (!options->follow) {
      printLog(session.call("Log", parameters));
      return kSuccess;
    }
    parameters["follow"] = true;
    const api::Reply last = session.client().callMore(
        "Log", parameters, [](const api::Reply& reply) { printLog(reply.parameters); });
    printLog(last.parameters);
    return kSuccess;
  };
}

}  // namespace vs::ctl
