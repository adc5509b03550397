
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action renameVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string newName;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->name);
  flags.operand("NAME", options->newName);
  return [options](Session& session) {
    return carryOut(session, {{"rename", "renamed"},
                              options->name,
                              "Rename",
                              {{"name", options->name}, {"newName", options->newName}},
                              {}});
  };
}

}  // namespace vs::ctl
