
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {

Action thawVerb(Flags& flags) {
  auto targets = std::make_shared<Targets>();
  addTargets(flags, *targets);
  return [targets](Session& session) {
    static constexpr std::string_view kStates[] = {"frozen"};
    std::vector<Work> works;
    for (const std::string& name : resolve(session, *targets, kStates))
      works.push_back({{"thaw", "thawed"}, name, "Thaw", {{"name", name}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
