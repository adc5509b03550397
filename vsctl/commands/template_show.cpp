
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action templateShowVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("TEMPLATE", *names, Flags::Need::Required);
  return [names](Session& session) {
    Json items = Json::array();
    for (const std::string& name : *names)
      items.push_back(session.call("TemplateShow", {{"name", name}}).at("template"));
    session.printRecords("TemplateList", kTemplateColumns, kTemplateFields, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
