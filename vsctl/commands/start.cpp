
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {

Action startVerb(Flags& flags) {
  struct Options {
    Targets targets;
    bool wait = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addParallel(flags, options->targets, 4);
  flags.toggle("--wait", options->wait, "until its init says that it is up");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"stopped", "failed"};
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets, kStates)) {
      Json parameters = {{"name", name}};
      if (options->wait) parameters["wait"] = true;
      works.push_back({{"start", "started"}, name, "Start", parameters, {}});
    }
    return carryOut(session, works, options->targets.parallel());
  };
}

}  // namespace vs::ctl
