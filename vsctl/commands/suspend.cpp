#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {

Action suspendVerb(Flags& flags) {
  struct Options {
    Targets targets;
    bool tryIt = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.toggle("--try", options->tryIt, "also when something seems to be in the way");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"running", "frozen"};
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets, kStates))
      works.push_back({{"suspend", "suspended"},
                       name,
                       "Suspend",
                       {{"name", name}, {"try", options->tryIt}},
                       {}});
    return carryOut(session, works);
  };
}

Action resumeVerb(Flags& flags) {
  struct Options {
    Targets targets;
    bool closeConnections = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.toggle("--close-connections", options->closeConnections,
               "end their TCP connections instead of going on with them");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"suspended"};
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets, kStates))
      works.push_back({{"resume", "resumed"},
                       name,
                       "Resume",
                       {{"name", name}, {"closeConnections", options->closeConnections}},
                       {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
