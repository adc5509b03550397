
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {

Action stopVerb(Flags& flags) {
  struct Options {
    Targets targets;
    std::string stopTimeout;
    bool kill = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addParallel(flags, options->targets, 4);
  flags.text("--stop-timeout", options->stopTimeout, "TIME", "kill it after that time");
  flags.toggle("--kill", options->kill, "kill it at once");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"running", "starting", "frozen", "stopping"};
    Json common = Json::object();
    if (!options->stopTimeout.empty())
      common["timeout"] = parseDuration(options->stopTimeout, "--stop-timeout").count();
    if (options->kill) common["kill"] = true;
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets, kStates)) {
      common["name"] = name;
      works.push_back({{"stop", "stopped"}, name, "Stop", common, {}});
    }
    return carryOut(session, works, options->targets.parallel());
  };
}

}  // namespace vs::ctl
