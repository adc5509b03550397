
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsctl/undo_answer.hpp"

namespace vs::ctl {

Action restartVerb(Flags& flags) {
  struct Options {
    Targets targets;
    std::string stopTimeout;
    std::string undo;
    bool wait = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addParallel(flags, options->targets, 1);
  flags.text("--stop-timeout", options->stopTimeout, "TIME", "kill it after that time");
  flags.text("--undo", options->undo, "ANSWER", "keep or discard what it changed until now");
  flags.toggle("--wait", options->wait, "until its init says that it is up again");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"running", "starting", "frozen"};
    Json common = Json::object();
    if (!options->stopTimeout.empty())
      common["timeout"] = parseDuration(options->stopTimeout, "--stop-timeout").count();
    if (!options->undo.empty()) common["undo"] = undoAnswer(options->undo);
    if (options->wait) common["wait"] = true;
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets, kStates)) {
      common["name"] = name;
      works.push_back({{"restart", "restarted"}, name, "Restart", common, {}});
    }
    return carryOut(session, works, options->targets.parallel());
  };
}

}  // namespace vs::ctl
