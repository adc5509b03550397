
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action operationListVerb(Flags& flags) {
  auto all = std::make_shared<bool>(false);
  flags.toggle("--all", *all, "ended ones too");
  return [all](Session& session) {
    Json operations = session.call("OperationList", {{"all", *all}}).at("operations");
    session.printItems("OperationList", kOperationColumns, std::move(operations));
    return kSuccess;
  };
}

}  // namespace vs::ctl
