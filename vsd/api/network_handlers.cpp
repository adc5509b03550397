#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/firewall.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/networks.hpp"

namespace vs::api {
namespace {

OperationRequest requestFor(const std::string& verb, const std::string& name) {
  OperationRequest request;
  request.verb = "network " + verb;
  request.object = std::string(kNetworkObject) + name;
  request.parameters = Json{{"name", name}}.dump();
  return request;
}

Json networkJson(const NetworkPicture& picture) {
  Json json = toJson(picture.network);
  json["contexts"] = picture.contexts;
  return json;
}

Outcome add(const Host& host, const Call& call, OperationRequest request,
            std::vector<netfw::Network> networks) {
  request.alsoBusy = {"networks"};  // they are held against each other
  return runChange(
      host, call,
      {std::move(request), [&host, networks] { return planAddNetworks(host, networks); },
       [&host, networks](Operation& operation) { addNetworks(host, networks, operation); }});
}

Outcome handleAdd(const Host& host, const Call& call) {
  const netfw::Network network = networkFrom(call.parameters);
  return add(host, call, requestFor("add", network.name), {network});
}

Outcome handleImport(const Host& host, const Call& call) {
  const std::string file = call.text("file").value_or("networks.conf");
  return add(host, call, requestFor("import", file),
             networksIn(call.parameters.at("text").get<std::string>(), file,
                        call.text("device").value_or("")));
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  return runChange(host, call,
                   {requestFor("remove", name),
                    [&host, name] {
                      checkRemoveNetwork(host, name);
                      return std::vector<std::string>{fmt::format("forget network '{}'", name)};
                    },
                    [&host, name](Operation& operation) { removeNetwork(host, name, operation); }});
}

Json linkJson(const LinkPicture& picture) {
  const netfw::LinkPlan& plan = picture.plan;
  Json json{{"name", plan.name},         {"network", plan.network},
            {"mode", nameOf(plan.mode)}, {"addresses", Json::array()},
            {"gateways", Json::array()}, {"connected", picture.connected}};
  for (const netfw::AddressWithLength& address : plan.addresses)
    json["addresses"].push_back(address.text());
  for (const netfw::Route& route : plan.routes) json["gateways"].push_back(route.gateway.text());
  if (!plan.mac.empty()) json["mac"] = plan.mac;
  if (plan.vlan != 0) json["vlan"] = plan.vlan;
  if (!plan.hostEnd.empty()) json["device"] = plan.hostEnd;
  if (!plan.bridge.empty()) json["bridge"] = plan.bridge;
  if (plan.shape.in != 0) json["rateIn"] = plan.shape.in;
  if (plan.shape.out != 0) json["rateOut"] = plan.shape.out;
  if (plan.shape.burst.value != 0) json["burst"] = plan.shape.burst.value;
  if (picture.received) json["received"] = *picture.received;
  if (picture.sent) json["sent"] = *picture.sent;
  return json;
}

Outcome handleShowLinks(const Host& host, const Call& call) {
  Json links = Json::array();
  for (const LinkPicture& picture : showLinks(host, call.parameters.at("name").get<std::string>()))
    links.push_back(linkJson(picture));
  return Answer{{{"links", std::move(links)}}, {}};
}

Outcome handleSwitch(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const auto wish = [&call](const char* field) -> std::optional<bool> {
    const auto found = call.parameters.find(field);
    if (found == call.parameters.end() || found->is_null()) return std::nullopt;
    return found->get<bool>();
  };
  const LinkSwitch to{wish("connected"), wish("routed")};
  if (!to.connected && !to.routed)
    throw invalid("nothing is to be switched of the links of context '{}'", name);
  return runChange(
      host, call,
      {requestOn("switch links", name, Json::object()),
       [&host, name, to] {
         std::vector<std::string> plan;
         for (const LinkPicture& picture : showLinks(host, name)) {
           const std::string link = fmt::format("{} of context '{}'", picture.plan.name, name);
           if (to.connected)
             plan.push_back((*to.connected ? "put on the wire: " : "take off the wire: ") + link);
           if (to.routed)
             plan.push_back((*to.routed ? "give its routes to " : "take its routes from ") + link);
         }
         return plan;
       },
       [&host, name, to](Operation& operation) {
         operation.step("switch its links");
         switchLinks(host, name, to);
       }});
}

Json countJson(const netfw::Count& count) {
  return {{"packets", count.packets}, {"bytes", count.bytes}};
}

Outcome handleShowFirewall(const Host& host, const Call& call) {
  const FirewallPicture picture = showFirewall(host, call.parameters.at("name").get<std::string>());
  Json rules = Json::array();
  for (const FirewallPicture::Rule& shown : picture.rules) {
    Json rule = countJson(shown.count);
    rule["number"] = rules.size() + 1;
    rule["rule"] = shown.text;
    rules.push_back(std::move(rule));
  }
  return Answer{{{"on", picture.on},
                 {"loaded", picture.loaded},
                 {"rules", std::move(rules)},
                 {"denied", countJson(picture.denied)},
                 {"spoofed", countJson(picture.spoofed)}},
                {}};
}

Outcome handleCheckFirewall(const Host& host, const Call& call) {
  return Answer{{{"rules", checkRules(host, call.parameters.at("text").get<std::string>(),
                                      call.text("file").value_or("the rules"))}},
                {}};
}

Outcome handleTestFirewall(const Host& host, const Call& call) {
  const Verdict verdict = testFirewall(host, call.parameters.at("name").get<std::string>(),
                                       call.parameters.at("packet").get<std::string>());
  return Answer{{{"allowed", verdict.allowed}, {"why", verdict.why}}, {}};
}

}  // namespace

void addNetworkHandlers(Service& service, const Host& host) {
  service.add("NetworkList", [&host](Call&) -> Outcome {
    Json networks = Json::array();
    for (const NetworkPicture& picture : listNetworks(host))
      networks.push_back(networkJson(picture));
    return Answer{{{"networks", std::move(networks)}}, {}};
  });
  service.add("NetworkShow", [&host](Call& call) -> Outcome {
    return Answer{{{"network",
                    networkJson(showNetwork(host, call.parameters.at("name").get<std::string>()))}},
                  {}};
  });
  service.add("NetworkAdd", [&host](Call& call) { return handleAdd(host, call); });
  service.add("NetworkImport", [&host](Call& call) { return handleImport(host, call); });
  service.add("NetworkRemove", [&host](Call& call) { return handleRemove(host, call); });
  service.add("LinkShow", [&host](Call& call) { return handleShowLinks(host, call); });
  service.add("LinkSwitch", [&host](Call& call) { return handleSwitch(host, call); });
  service.add(
      "FirewallShow", [&host](Call& call) { return handleShowFirewall(host, call); }, Pace::Slow);
  service.add("FirewallCheck", [&host](Call& call) { return handleCheckFirewall(host, call); });
  service.add("FirewallTest", [&host](Call& call) { return handleTestFirewall(host, call); });
}

}  // namespace vs::api
