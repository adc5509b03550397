
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsctl/undo_answer.hpp"

namespace vs::ctl {

Action stopVerb(Flags& flags) {
  struct Options {
    Targets targets;
    std::string stopTimeout;
    std::string undo;
    bool kill = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addParallel(flags, options->targets, 4);
  flags.text("--stop-timeout", options->stopTimeout, "TIME", "kill it after that time");
  flags.toggle("--kill", options->kill, "kill it at once");
  flags.text("--undo", options->undo, "ANSWER", "of an undoable disk: keep or discard its changes");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"running", "starting", "frozen", "stopping"};
    Json common = Json::object();
    if (!options->stopTimeout.empty())
      common["timeout"] = parseDuration(options->stopTimeout, "--stop-timeout").count();
    if (options->kill) common["kill"] = true;
    if (!options->undo.empty()) common["undo"] = undoAnswer(options->undo);
    const std::vector<std::string> names = resolve(session, options->targets, kStates);
    std::map<std::string, std::string> answers;
    if (options->undo.empty()) answers = askForAnswers(session, names);
    std::vector<Work> works;
    for (const std::string& name : names) {
      Json parameters = common;
      parameters["name"] = name;
      if (const auto answer = answers.find(name); answer != answers.end())
        parameters["undo"] = answer->second;
      works.push_back({{"stop", "stopped"}, name, "Stop", std::move(parameters), {}});
    }
    return carryOut(session, works, options->targets.parallel());
  };
}

}  // namespace vs::ctl
