
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action templateListVerb(Flags& flags) {
  auto definitions = std::make_shared<bool>(false);
  flags.toggle("--definitions", *definitions, "what can be built, instead of what is there");
  return [definitions](Session& session) {
    const Json reply = session.call("TemplateList");
    if (*definitions) {
      session.printItems("TemplateDefinitionList", kDefinitionColumns, reply.at("definitions"));
      return kSuccess;
    }
    const Json& templates = reply.at("templates");
    session.printItems("TemplateList", kTemplateColumns, templates);
    if (templates.empty() && session.globals().isForPeople())
      session.note(
          "there is no template yet; 'vsctl template list --definitions' shows what "
          "'vsctl template build' can make");
    return kSuccess;
  };
}

}  // namespace vs::ctl
