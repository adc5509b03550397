
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {

Action removeVerb(Flags& flags) {
  struct Options {
    Targets targets;
    bool kill = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.toggle("--kill", options->kill, "also when it runs: kill it first");
  return [options](Session& session) {
    const std::vector<std::string> names = resolve(session, options->targets);
    const std::string what =
        names.size() == 1
            ? fmt::format("context '{}' with all its data", names[0])
            : fmt::format("{} contexts with all their data ({})", names.size(), join(names, ", "));
    if (!names.empty() && !session.confirm(fmt::format("remove {}?", what))) {
      session.note("nothing was removed");
      return static_cast<int>(kFailure);
    }
    std::vector<Work> works;
    for (const std::string& name : names) {
      Json parameters = {{"name", name}};
      if (options->kill) parameters["kill"] = true;
      works.push_back({{"remove", "removed"}, name, "Remove", parameters, {}});
    }
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
