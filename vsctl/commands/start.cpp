#include <algorithm>

#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

constexpr std::string_view kStartable[] = {"stopped", "failed"};

struct Options {
  Targets targets;
  bool autostart = false;
  bool wait = false;
};

std::vector<std::string> namesToStart(Session& session, const Options& options) {
  if (!options.autostart) return resolve(session, options.targets, kStartable);
  if (!options.targets.words.empty() || options.targets.all)
    throw invalid("--autostart chooses contexts itself").withHint("leave names and --all out");
  std::vector<std::string> names;
  const Json reply = session.call("List");
  for (const Json& context : reply.at("contexts")) {
    const Json& definition = context.at("definition");
    if (definition.value("autostart", false) &&
        std::ranges::find(kStartable, context.value("state", "")) != std::end(kStartable))
      names.push_back(definition.value("name", ""));
  }
  return names;
}

}  // namespace

Action startVerb(Flags& flags) {
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addParallel(flags, options->targets, 4);
  flags.toggle("--autostart", options->autostart, "every context that starts with the host");
  flags.toggle("--wait", options->wait, "until its init says that it is up");
  return [options](Session& session) {
    std::vector<Work> works;
    for (const std::string& name : namesToStart(session, *options)) {
      Json parameters = {{"name", name}};
      if (options->wait) parameters["wait"] = true;
      works.push_back({{"start", "started"}, name, "Start", parameters, {}});
    }
    return carryOut(session, works, options->targets.parallel());
  };
}

}  // namespace vs::ctl
