
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

int printObstacles(Session& session, const std::vector<std::string>& names) {
  int code = kSuccess;
  Json all = Json::array();
  for (const std::string& name : names) {
    try {
      const Json answer = session.call("CheckMove", {{"name", name}});
      for (Json obstacle : answer.at("obstacles")) {
        obstacle["context"] = name;
        all.push_back(std::move(obstacle));
      }
      if (answer.at("movable"))
        session.note(fmt::format("{}: nothing is in the way", name));
      else
        code = kFailure;
    } catch (const api::CallError& error) {
      code = session.report(error, name);
    }
  }
  if (!all.empty() || !session.globals().isForPeople())
    session.printItems("ObstacleList", kObstacleColumns, std::move(all));
  return code;
}

}  // namespace

Action checkVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.list("--move", *names, Flags::Split::AtCommas, "CONTEXT",
             "whether a running context can be saved and moved, and what is in the way");
  return [names](Session& session) {
    if (!names->empty()) return printObstacles(session, *names);
    return printFindings(session, session.call("Check").at("findings"));
  };
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
