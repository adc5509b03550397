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

namespace {

// Those in `states`, some at a time.
Action hostVerb(Flags& flags, std::vector<std::string_view> states, Wording wording,
                std::string method) {
  auto targets = std::make_shared<Targets>();
  addParallel(flags, *targets, 2);
  targets->all = true;
  return [=, states = std::move(states)](Session& session) {
    std::vector<Work> works;
    for (const std::string& name : resolve(session, *targets, states))
      works.push_back({wording, name, method, {{"name", name}}, {}});
    return carryOut(session, works, targets->parallel());
  };
}

}  // namespace

Action hostSuspendAllVerb(Flags& flags) {
  return hostVerb(flags, {"running"}, {"suspend", "suspended"}, "Suspend");
}

Action hostResumeAllVerb(Flags& flags) {
  return hostVerb(flags, {"suspended"}, {"resume", "resumed"}, "Resume");
}

}  // namespace vs::ctl
