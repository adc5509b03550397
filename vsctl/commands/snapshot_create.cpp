
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action snapshotCreateVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string snapshot;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.text("--name", options->snapshot, "NAME", "its name (the time in UTC)");
  return [options](Session& session) {
    Json parameters = {{"name", options->context}};
    if (!options->snapshot.empty()) parameters["snapshot"] = options->snapshot;
    return carryOut(session, {{"take a snapshot of", "took a snapshot of"},
                              options->context,
                              "SnapshotCreate",
                              parameters,
                              {}});
  };
}

}  // namespace vs::ctl
