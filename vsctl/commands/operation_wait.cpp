
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action operationWaitVerb(Flags& flags) {
  auto ids = std::make_shared<std::vector<std::string>>();
  flags.operands("ID", *ids, Flags::Need::Required);
  return [ids](Session& session) {
    if (session.globals().async || session.globals().dryRun)
      throw invalid("waiting goes neither with --async nor with --dry-run");
    std::vector<Work> works;
    for (const std::string& id : *ids)
      works.push_back(
          {{"wait for operation", "ended operation"}, id, "OperationWait", {{"id", id}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
