
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action snapshotListVerb(Flags& flags) {
  auto name = std::make_shared<std::string>();
  flags.operand("CONTEXT", *name);
  return [name](Session& session) {
    const Json reply = session.call("SnapshotList", {{"name", *name}});
    session.printItems("SnapshotList", kSnapshotColumns, reply.at("snapshots"));
    noteTrouble(session, reply);
    return kSuccess;
  };
}

}  // namespace vs::ctl
