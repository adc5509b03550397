
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

namespace {

int printFindings(Session& session, Json findings) {
  int code = kSuccess;
  for (const Json& finding : findings)
    if (finding.value("state", "") == "missing") code = kFailure;
  session.printItems("FindingList", kFindingColumns, std::move(findings));
  return code;
}

}  // namespace

Action checkVerb(Flags&) {
  return
      [](Session& session) { return printFindings(session, session.call("Check").at("findings")); };
}

Action storageCheckVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("STORAGE", *names, Flags::Need::Optional);
  return [names](Session& session) {
    if (names->empty()) return printFindings(session, session.call("StorageCheck").at("findings"));
    Json findings = Json::array();
    for (const std::string& name : *names) {
      const Json answer = session.call("StorageCheck", {{"name", name}});
      for (const Json& finding : answer.at("findings")) findings.push_back(finding);
    }
    return printFindings(session, std::move(findings));
  };
}

}  // namespace vs::ctl
