#include "netfw/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"

namespace vs::netfw {
namespace {

constexpr std::array<std::pair<NetworkKind, std::string_view>, 4> kKinds{{
    {NetworkKind::Vlan, "vlan"},
    {NetworkKind::Nat, "nat"},
    {NetworkKind::Isolated, "isolated"},
    {NetworkKind::Routed, "routed"},
}};

bool isDeviceName(const std::string& name) {
  if (name.empty() || name.size() > 15 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
  });
}

bool isDomain(const std::string& domain) {
  if (domain.size() > 253) return false;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = domain.find('.', begin);
    const std::string label = domain.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (const char c : label)
      if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-')
        return false;
    if (end == std::string::npos) return true;
    begin = end + 1;
  }
}

void addProblemsOf(const Subnet& subnet, const Network& network, std::vector<std::string>& found) {
  const Prefix& prefix = subnet.prefix;
  if (prefix.length() == 0)
    found.push_back("a subnet cannot be everything (" + prefix.text() + ")");
  if (prefix.address().isMulticast() || prefix.address().isLoopback())
    found.push_back(fmt::format("no context can live in {}", prefix.text()));
  if (network.kind == NetworkKind::Isolated && subnet.gateway)
    found.push_back("an isolated network has no gateway");
  if (network.kind == NetworkKind::Nat && !subnet.gateway)
    found.push_back(
        fmt::format("a nat network needs a gateway in {}: the address that this host "
                    "takes there",
                    prefix.text()));
  if (network.kind == NetworkKind::Nat && prefix.family() == Family::IPv6)
    found.push_back(
        fmt::format("a nat network has no IPv6 ({}): this host would have to forward "
                    "it, and would stop listening to router advertisements",
                    prefix.text()));
  if (!subnet.gateway) return;
  const Address& gateway = *subnet.gateway;
  // A link-local gateway serves every IPv6 subnet of its link.
  if (!prefix.contains(gateway) && !(prefix.family() == Family::IPv6 && gateway.isLinkLocal()))
    found.push_back(fmt::format("gateway {} is not in {}", gateway.text(), prefix.text()));
  else if (prefix.isReserved(gateway))
    found.push_back(
        fmt::format("gateway {} is the network's own or its broadcast address", gateway.text()));
}

std::string joined(const std::vector<std::string>& problems) {
  return fmt::format("{}", fmt::join(problems, "; "));
}

std::string describe(const Network& network) {
  std::string text = network.name;
  for (const Subnet& subnet : network.subnets) text += " " + subnet.prefix.text();
  return text;
}

}  // namespace

std::string_view nameOf(NetworkKind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(), [&](auto& k) { return k.first == kind; })
      ->second;
}

std::optional<NetworkKind> networkKindFrom(std::string_view name) {
  for (const auto& [kind, text] : kKinds)
    if (text == name) return kind;
  return std::nullopt;
}

const Subnet* Network::subnetOf(const Address& address) const {
  const Subnet* best = nullptr;
  for (const Subnet& subnet : subnets)
    if (subnet.prefix.contains(address) &&
        (best == nullptr || subnet.prefix.length() > best->prefix.length()))
      best = &subnet;
  return best;
}

std::vector<std::string> problemsOf(const Network& network) {
  std::vector<std::string> found;
  if (!isValidName(network.name))
    found.push_back(
        fmt::format("network name '{}' is not one: small letters, digits and '-', at "
                    "most 41 of them",
                    printable(network.name)));
  if (network.vlan < 0 || network.vlan > 4094)
    found.push_back(fmt::format("VLAN {} is not from 1 to 4094", network.vlan));
  const bool hasDevice = network.kind == NetworkKind::Vlan || network.kind == NetworkKind::Routed;
  if (network.kind != NetworkKind::Vlan && network.vlan > 0)
    found.push_back(fmt::format("a network of kind {} has no VLAN", nameOf(network.kind)));
  if (!hasDevice && !network.device.empty())
    found.push_back(fmt::format("a network of kind {} has no device", nameOf(network.kind)));
  if (!network.device.empty() && !isDeviceName(network.device))
    found.push_back(fmt::format("'{}' cannot be the name of a device", printable(network.device)));

  if (network.subnets.empty()) found.push_back("there is no subnet");
  bool hasIPv6 = false;
  for (std::size_t i = 0; i < network.subnets.size(); ++i) {
    addProblemsOf(network.subnets[i], network, found);
    hasIPv6 = hasIPv6 || network.subnets[i].prefix.family() == Family::IPv6;
    for (std::size_t k = 0; k < i; ++k)
      if (network.subnets[i].prefix.overlaps(network.subnets[k].prefix))
        found.push_back(fmt::format("subnets {} and {} overlap", network.subnets[k].prefix.text(),
                                    network.subnets[i].prefix.text()));
  }

  if (!network.domain.empty() && !isDomain(network.domain))
    found.push_back(fmt::format("'{}' is no domain name", printable(network.domain)));
  for (const Address& server : network.dns)
    if (server.isUnspecified() || server.isMulticast())
      found.push_back(fmt::format("{} cannot be a name server", server.text()));
  const int smallest = hasIPv6 ? kSmallestMtuIPv6 : kSmallestMtu;
  if (network.mtu != 0 && (network.mtu < smallest || network.mtu > kLargestMtu))
    found.push_back(
        fmt::format("an MTU of {} is not from {} to {}", network.mtu, smallest, kLargestMtu));
  return found;
}

std::vector<std::string> problemsBetween(const std::vector<Network>& networks) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < networks.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const Network& a = networks[k];
      const Network& b = networks[i];
      if (a.name == b.name) found.push_back(fmt::format("there are two networks '{}'", a.name));
      if (a.kind == NetworkKind::Vlan && b.kind == NetworkKind::Vlan && a.vlan == b.vlan &&
          a.device == b.device)
        found.push_back(fmt::format("networks '{}' and '{}' are both VLAN {}{}", a.name, b.name,
                                    a.vlan, a.device.empty() ? "" : " of " + a.device));
      for (const Subnet& of : a.subnets)
        for (const Subnet& other : b.subnets)
          if (of.prefix == other.prefix)
            found.push_back(fmt::format("networks '{}' and '{}' both have {}", a.name, b.name,
                                        of.prefix.text()));
    }
  return found;
}

void checkNetwork(const Network& network) {
  const std::vector<std::string> problems = problemsOf(network);
  if (problems.empty()) return;
  throw invalid("network '{}' cannot be so: {}", printable(network.name), joined(problems))
      .withBlockers(problems);
}

Place networkOf(const Address& address, const std::vector<Network>& networks) {
  Place best;
  const Network* alike = nullptr;
  for (const Network& network : networks) {
    const Subnet* subnet = network.subnetOf(address);
    if (subnet == nullptr) continue;
    const int than = best.subnet == nullptr ? -1 : best.subnet->prefix.length();
    if (subnet->prefix.length() == than) alike = &network;
    if (subnet->prefix.length() <= than) continue;
    best = {&network, subnet};
    alike = nullptr;
  }
  if (best.network == nullptr) {
    std::vector<std::string> known;
    for (const Network& network : networks) known.push_back(describe(network));
    throw invalid("address {} is in no network; {}", address.text(),
                  known.empty() ? std::string("there is none yet")
                                : fmt::format("known are: {}", fmt::join(known, ", ")))
        .withHint("add its network first: vsctl network add");
  }
  if (alike != nullptr)
    throw invalid("address {} is in network '{}' and in '{}'", address.text(), best.network->name,
                  alike->name)
        .withHint("name the network");
  if (best.subnet->prefix.isReserved(address))
    throw invalid("address {} is the {} address of {}", address.text(),
                  address == best.subnet->prefix.address() ? "network" : "broadcast",
                  best.subnet->prefix.text());
  if (best.subnet->gateway == address)
    throw invalid("address {} is the gateway of network '{}'", address.text(), best.network->name);
  return best;
}

}  // namespace vs::netfw
