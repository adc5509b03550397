
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action checkVerb(Flags&) {
  return [](Session& session) {
    Json findings = session.call("Check").at("findings");
    int code = kSuccess;
    for (const Json& finding : findings)
      if (finding.value("state", "") == "missing") code = kFailure;
    session.printItems("FindingList", kFindingColumns, std::move(findings));
    return code;
  };
}

}  // namespace vs::ctl
