
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action operationAbortVerb(Flags& flags) {
  auto ids = std::make_shared<std::vector<std::string>>();
  flags.operands("ID", *ids, Flags::Need::Required);
  return [ids](Session& session) {
    Json items = Json::array();
    for (const std::string& id : *ids) {
      if (session.globals().dryRun) {
        items.push_back(session.call("OperationShow", {{"id", id}}).at("operation"));
        session.note(fmt::format("operation {} would be asked to stop", id));
        continue;
      }
      items.push_back(session.call("OperationAbort", {{"id", id}}).at("operation"));
      if (session.globals().isForPeople())
        session.note(
            fmt::format("operation {} was asked to stop; "
                        "'vsctl operation wait {}' waits until it has",
                        id, id));
    }
    if (!session.globals().isForPeople())
      session.printItems("OperationList", kOperationColumns, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
