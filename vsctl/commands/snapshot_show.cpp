#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action snapshotShowVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::vector<std::string> snapshots;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operands("SNAPSHOT", options->snapshots, Flags::Need::Required);
  return [options](Session& session) {
    Json items = Json::array();
    for (const std::string& snapshot : options->snapshots)
      items.push_back(
          session.call("SnapshotShow", {{"name", options->context}, {"snapshot", snapshot}})
              .at("snapshot"));
    session.printRecords("SnapshotList", kSnapshotColumns, kSnapshotFields, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
