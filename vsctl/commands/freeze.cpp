
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {

Action freezeVerb(Flags& flags) {
  auto targets = std::make_shared<Targets>();
  addTargets(flags, *targets);
  return [targets](Session& session) {
    static constexpr std::string_view kStates[] = {"running"};
    std::vector<Work> works;
    for (const std::string& name : resolve(session, *targets, kStates))
      works.push_back({{"freeze", "froze"}, name, "Freeze", {{"name", name}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
