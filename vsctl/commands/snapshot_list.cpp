
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action snapshotListVerb(Flags& flags) {
  auto name = std::make_shared<std::string>();
  flags.operand("CONTEXT", *name);
  return [name](Session& session) {
    session.printItems("SnapshotList", kSnapshotColumns,
                       session.call("SnapshotList", {{"name", *name}}).at("snapshots"));
    return kSuccess;
  };
}

}  // namespace vs::ctl
