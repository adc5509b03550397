#include <algorithm>

#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

// "3" is short for "vlan3 --vlan 3".
void readName(std::string& name, std::string& vlan) {
  if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) return;
  if (vlan.empty()) vlan = name;
  name = "vlan" + name;
}

bool isIPv6(const std::string& address) { return address.find(':') != std::string::npos; }

// Each gateway belongs to the first subnet of its family that has none; the daemon sees to it that
// it lies there.
Json subnetsFrom(const std::vector<std::string>& prefixes,
                 const std::vector<std::string>& gateways) {
  Json subnets = Json::array();
  for (const std::string& prefix : prefixes) subnets.push_back({{"prefix", prefix}});
  for (const std::string& gateway : gateways) {
    const auto subnet = std::ranges::find_if(subnets, [&](const Json& one) {
      return !one.contains("gateway") &&
             isIPv6(one.at("prefix").get<std::string>()) == isIPv6(gateway);
    });
    if (subnet == subnets.end())
      throw invalid("there is no --subnet for the gateway '{}'", gateway);
    (*subnet)["gateway"] = gateway;
  }
  return subnets;
}

}  // namespace

Action networkAddVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string vlan;
    std::string device;
    std::vector<std::string> subnets;
    std::vector<std::string> gateways;
    std::string domain;
    std::vector<std::string> dns;
    std::string mtu;
    bool isolated = false;
    bool nat = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  flags.text("--vlan", options->vlan, "NUMBER", "its VLAN on the device");
  flags.list("--subnet", options->subnets, Flags::Split::AtCommas, "PREFIX,...",
             "its addresses, 10.0.3.0/24, of either family");
  flags.list("--gateway", options->gateways, Flags::Split::AtCommas, "ADDRESS,...",
             "the gateway of each subnet");
  flags.text("--domain", options->domain, "DOMAIN", "search domain of its contexts");
  flags.list("--dns", options->dns, Flags::Split::AtCommas, "ADDRESS,...", "their name servers");
  flags.text("--device", options->device, "DEVICE", "the trunk (that of vsd.toml)");
  flags.text("--mtu", options->mtu, "BYTES", "largest packet (that of the device)");
  flags.toggle("--isolated", options->isolated, "leads nowhere: for contexts among themselves");
  flags.toggle("--nat", options->nat,
               "behind this host: it is the gateway, and hides its contexts");
  for (const char* other : {"--vlan", "--device", "--nat"}) flags.exclude("--isolated", other);
  for (const char* other : {"--vlan", "--device"}) flags.exclude("--nat", other);
  return [options](Session& session) {
    std::string name = options->name;
    std::string vlan = options->vlan;
    const bool isVlan = !options->isolated && !options->nat;
    if (isVlan) readName(name, vlan);
    Json parameters = {{"name", name},
                       {"kind", isVlan         ? "vlan"
                                : options->nat ? "nat"
                                               : "isolated"},
                       {"subnets", subnetsFrom(options->subnets, options->gateways)},
                       {"dns", options->dns}};
    if (!vlan.empty()) parameters["vlan"] = parseWhole(vlan, "--vlan", 1, 4094);
    if (!options->device.empty()) parameters["device"] = options->device;
    if (!options->domain.empty()) parameters["domain"] = options->domain;
    if (!options->mtu.empty()) parameters["mtu"] = parseWhole(options->mtu, "--mtu", 1, 65'535);
    return carryOut(session,
                    {{"add network", "added network"}, name, "NetworkAdd", parameters, {}});
  };
}

}  // namespace vs::ctl
