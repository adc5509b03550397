#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action networkRemoveVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("NETWORK", *names, Flags::Need::Required);
  return [names](Session& session) {
    std::vector<Work> works;
    for (const std::string& name : *names)
      works.push_back(
          {{"remove network", "removed network"}, name, "NetworkRemove", {{"name", name}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
