
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action cloneVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string newName;
    bool start = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.operand("NAME", options->newName);
  flags.toggle("--start", options->start, "start the copy");
  return [options](Session& session) {
    Json parameters = {{"name", options->name}, {"newName", options->newName}};
    if (options->start) parameters["start"] = true;
    return carryOut(session, {{"clone", "cloned"}, options->name, "Clone", parameters, {}});
  };
}

}  // namespace vs::ctl
