#include "vsd/ops/networks.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "netfw/links.hpp"
#include "netfw/netlink.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

using netfw::Network;

netfw::Address addressFrom(const std::string& text, std::string_view what) {
  if (const auto address = netfw::Address::parse(text)) return *address;
  throw invalid("{} '{}' is neither an IPv4 nor an IPv6 address", what, printable(text));
}

netfw::Subnet subnetFrom(const Json& json) {
  const auto text = json.value("prefix", "");
  const auto prefix = netfw::Prefix::parse(text);
  if (!prefix)
    throw invalid("the subnet '{}' is no prefix", printable(text))
        .withHint("write it as 10.0.3.0/24 or 2001:db8:3::/64");
  netfw::Subnet subnet{*prefix, std::nullopt};
  if (const auto gateway = json.find("gateway"); gateway != json.end() && gateway->is_string())
    subnet.gateway = addressFrom(gateway->get<std::string>(), "the gateway");
  return subnet;
}

// A whole number of an API field; 0 when it is absent.
int numberIn(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end() || found->is_null()) return 0;
  if (!found->is_number_integer() || *found < 0 || *found > netfw::kLargestMtu)
    throw invalid("{} is not a number that is possible", field);
  return found->get<int>();
}

std::vector<std::string> contextsIn(const Host& host, const std::string& network) {
  std::vector<std::string> names;
  for (const ContextPicture& context : host.contexts.all())
    for (const LinkDefinition& link : context.definition.links)
      if (link.network == network && (names.empty() || names.back() != context.definition.name))
        names.push_back(context.definition.name);
  return names;
}

std::string describe(const Network& network) {
  std::vector<std::string> subnets;
  for (const netfw::Subnet& subnet : network.subnets) subnets.push_back(subnet.prefix.text());
  const std::string vlan = network.vlan == 0 ? "" : fmt::format(" {}", network.vlan);
  return fmt::format("record network '{}' ({}{}{}{})", network.name, nameOf(network.kind), vlan,
                     subnets.empty() ? "" : ", ", fmt::join(subnets, ", "));
}

}  // namespace

std::vector<Network> networksOf(const Host& host) {
  std::vector<Network> networks;
  for (const NetworkRecord& record : host.store.networks())
    networks.push_back(networkFrom(
        parseJson(record.definition, fmt::format("the record of network '{}'", record.name))));
  return networks;
}

Network networkNamed(const Host& host, const std::string& name) {
  for (Network& network : networksOf(host))
    if (network.name == name) return std::move(network);
  throw Error(Kind::NotFound, fmt::format("there is no network '{}'", printable(name)))
      .withHint("vsctl network list shows those there are, vsctl network add makes one");
}

Json toJson(const Network& network) {
  Json json{{"name", network.name},
            {"kind", nameOf(network.kind)},
            {"subnets", Json::array()},
            {"dns", Json::array()}};
  for (const netfw::Subnet& subnet : network.subnets) {
    Json one{{"prefix", subnet.prefix.text()}};
    if (subnet.gateway) one["gateway"] = subnet.gateway->text();
    json["subnets"].push_back(std::move(one));
  }
  for (const netfw::Address& server : network.dns) json["dns"].push_back(server.text());
  if (network.vlan != 0) json["vlan"] = network.vlan;
  if (!network.device.empty()) json["device"] = network.device;
  if (!network.domain.empty()) json["domain"] = network.domain;
  if (network.mtu != 0) json["mtu"] = network.mtu;
  return json;
}

Network networkFrom(const Json& json) {
  const auto textIn = [&json](const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Network network;
  network.name = checkName(textIn("name"), "network name");
  const std::string kind = textIn("kind");
  if (const auto known = netfw::networkKindFrom(kind.empty() ? "vlan" : kind))
    network.kind = *known;
  else
    throw invalid("the kind '{}' of a network is unknown; choose from vlan, nat, isolated",
                  printable(kind));
  network.vlan = numberIn(json, "vlan");
  network.mtu = numberIn(json, "mtu");
  network.device = textIn("device");
  network.domain = textIn("domain");
  if (const auto subnets = json.find("subnets"); subnets != json.end() && subnets->is_array())
    for (const Json& subnet : *subnets) network.subnets.push_back(subnetFrom(subnet));
  if (const auto dns = json.find("dns"); dns != json.end() && dns->is_array())
    for (const Json& server : *dns)
      network.dns.push_back(addressFrom(server.get<std::string>(), "the name server"));
  return network;
}

std::vector<Network> networksIn(const std::string& text, const std::string& file,
                                const std::string& device) {
  std::vector<Network> networks = netfw::parseNetworksConf(text, file);
  for (Network& network : networks) network.device = device;
  return networks;
}

void checkAddNetworks(const Host& host, const std::vector<Network>& networks) {
  if (networks.empty()) throw invalid("there is no network in it");
  std::vector<Network> all = networksOf(host);
  std::vector<std::string> problems;
  for (const Network& network : networks) {
    if (std::ranges::find(all, network.name, &Network::name) != all.end())
      throw Error(Kind::Exists, fmt::format("network '{}' exists already", network.name));
    for (const std::string& problem : problemsOf(network)) problems.push_back(problem);
    if (network.kind == netfw::NetworkKind::Routed)
      problems.push_back(fmt::format(
          "network '{}': no context can be linked to a network of kind routed yet", network.name));
    if (network.kind == netfw::NetworkKind::Vlan && network.device.empty() &&
        host.config.trunk.empty())
      problems.push_back(
          fmt::format("network '{}' has no device, and this host names none: give it --device, or "
                      "set 'device' in [network] of vsd.toml",
                      network.name));
  }
  all.insert(all.end(), networks.begin(), networks.end());
  for (Network& network : all)
    if (network.device.empty()) network.device = host.config.trunk;
  for (const std::string& problem : problemsBetween(all)) problems.push_back(problem);
  if (problems.empty()) return;
  throw Error(Kind::InvalidParameter, problems.front()).withBlockers(problems);
}

std::vector<std::string> planAddNetworks(const Host& host, const std::vector<Network>& networks) {
  checkAddNetworks(host, networks);
  std::vector<std::string> plan;
  for (const Network& network : networks) plan.push_back(describe(network));
  return plan;
}

void addNetworks(const Host& host, const std::vector<Network>& networks, Operation& operation) {
  checkAddNetworks(host, networks);
  operation.step("record it");
  operation.passPointOfNoReturn();
  std::vector<NetworkRecord> records;
  for (const Network& network : networks) records.push_back({network.name, toJson(network).dump()});
  host.store.insertNetworks(records);
}

void checkRemoveNetwork(const Host& host, const std::string& name) {
  networkNamed(host, name);
  const std::vector<std::string> contexts = contextsIn(host, name);
  if (!contexts.empty())
    throw Error(Kind::InvalidState,
                fmt::format("cannot remove network '{}': {} {} linked to it", name,
                            fmt::join(contexts, ", "), contexts.size() == 1 ? "is" : "are"))
        .withHint("remove these contexts, or give them other addresses with 'vsctl set --address'");
}

void removeNetwork(const Host& host, const std::string& name, Operation& operation) {
  checkRemoveNetwork(host, name);
  const Network network = networkNamed(host, name);
  operation.step("remove what is left of it");
  const std::string device = network.device.empty() ? host.config.trunk : network.device;
  netfw::removeNetwork(name, network.vlan == 0 ? "" : netfw::vlanDeviceName(device, network.vlan));

  operation.step("forget it");
  operation.passPointOfNoReturn();
  host.store.eraseNetwork(name);
}

NetworkPicture showNetwork(const Host& host, const std::string& name) {
  return {networkNamed(host, name), contextsIn(host, name)};
}

std::vector<NetworkPicture> listNetworks(const Host& host) {
  std::vector<NetworkPicture> pictures;
  for (Network& network : networksOf(host)) {
    std::vector<std::string> contexts = contextsIn(host, network.name);
    pictures.push_back({std::move(network), std::move(contexts)});
  }
  return pictures;
}

}  // namespace vs
