#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

bool isUp(const std::string& word, std::string_view flag) {
  if (word != "up" && word != "down") throw invalid("{} is 'up' or 'down', not '{}'", flag, word);
  return word == "up";
}

}  // namespace

Action netVerb(Flags& flags) {
  struct Options {
    Targets targets;
    std::string wire;
    std::string route;
    std::string firewall;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.text("--vlan", options->wire, "up|down", "put its links on the wire, or take them off it");
  flags.text("--route", options->route, "up|down", "give it its routes, or take them away");
  flags.text("--fw", options->firewall, "up|down", "switch its firewall");
  return [options](Session& session) {
    const std::vector<std::string> names = resolve(session, options->targets);
    std::vector<Work> works;
    for (const std::string& name : names) {
      if (!options->firewall.empty())
        works.push_back(
            {{"switch the firewall of", "switched the firewall of"},
             name,
             "Set",
             {{"name", name}, {"changes", {{"firewall", isUp(options->firewall, "--fw")}}}},
             {}});
      Json to = {{"name", name}};
      if (!options->wire.empty()) to["connected"] = isUp(options->wire, "--vlan");
      if (!options->route.empty()) to["routed"] = isUp(options->route, "--route");
      if (to.size() > 1)
        works.push_back(
            {{"switch the links of", "switched the links of"}, name, "LinkSwitch", to, {}});
    }
    if (!works.empty()) return carryOut(session, works);
    Json items = Json::array();
    for (const std::string& name : names) {
      const Json reply = session.call("LinkShow", {{"name", name}});
      for (Json link : reply.at("links")) {
        link["context"] = name;
        items.push_back(std::move(link));
      }
    }
    session.printItems("LinkList", kLinkColumns, std::move(items));
    return static_cast<int>(kSuccess);
  };
}

}  // namespace vs::ctl
