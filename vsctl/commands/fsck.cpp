
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action fsckVerb(Flags& flags) {
  struct Options {
    std::vector<std::string> names;
    bool repair = false;
  };
  auto options = std::make_shared<Options>();
  flags.operands("CONTEXT", options->names, Flags::Need::Required);
  flags.toggle("--repair", options->repair, "mend what is found, after a snapshot");
  return [options](Session& session) {
    std::vector<Work> works;
    for (const std::string& name : options->names)
      works.push_back(
          {{"check", "checked"}, name, "Fsck", {{"name", name}, {"repair", options->repair}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
