#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {
namespace {

// Subnets as texts, for people.
Json shown(Json network) {
  network["prefixes"] = Json::array();
  network["gateways"] = Json::array();
  for (const Json& subnet : network.at("subnets")) {
    network["prefixes"].push_back(subnet.at("prefix"));
    if (subnet.contains("gateway")) network["gateways"].push_back(subnet.at("gateway"));
  }
  return network;
}

}  // namespace

Action networkListVerb(Flags&) {
  return [](Session& session) {
    Json items = Json::array();
    const Json reply = session.call("NetworkList");
    for (const Json& network : reply.at("networks")) items.push_back(shown(network));
    session.printItems("NetworkList", kNetworkColumns, std::move(items));
    return kSuccess;
  };
}

Action networkShowVerb(Flags& flags) {
  auto names = std::make_shared<std::vector<std::string>>();
  flags.operands("NETWORK", *names, Flags::Need::Required);
  return [names](Session& session) {
    Json items = Json::array();
    for (const std::string& name : *names)
      items.push_back(shown(session.call("NetworkShow", {{"name", name}}).at("network")));
    session.printRecords("NetworkList", kNetworkColumns, kNetworkColumns, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
