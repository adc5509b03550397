
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action snapshotRestoreVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string snapshot;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operand("SNAPSHOT", options->snapshot);
  return [options](Session& session) {
    if (!session.confirm(fmt::format("destroy what {} holds now and go back to {}?",
                                     options->context, options->snapshot))) {
      session.note("nothing was changed");
      return static_cast<int>(kFailure);
    }
    return carryOut(session, {{"restore", "restored"},
                              options->context,
                              "SnapshotRestore",
                              {{"name", options->context}, {"snapshot", options->snapshot}},
                              {}});
  };
}

}  // namespace vs::ctl
