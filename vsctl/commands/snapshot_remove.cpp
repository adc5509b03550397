
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {

Action snapshotRemoveVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::vector<std::string> snapshots;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operands("SNAPSHOT", options->snapshots, Flags::Need::Required);
  return [options](Session& session) {
    if (!session.confirm(fmt::format("remove snapshot {} of {}?", join(options->snapshots, ", "),
                                     options->context))) {
      session.note("nothing was removed");
      return static_cast<int>(kFailure);
    }
    // One after the other: each holds the context.
    int code = kSuccess;
    for (const std::string& snapshot : options->snapshots) {
      const int one = carryOut(session, {{"remove snapshot", "removed snapshot"},
                                         snapshot,
                                         "SnapshotRemove",
                                         {{"name", options->context}, {"snapshot", snapshot}},
                                         {}});
      if (one != kSuccess) code = one;
    }
    return code;
  };
}

}  // namespace vs::ctl
