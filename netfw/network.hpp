// A network as the whole pool knows it, and what follows from it for a context that is given
// nothing but an address: VLAN, prefix, gateway, domain and resolvers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/address.hpp"

namespace vs::netfw {

enum class NetworkKind {
  Vlan,  // a bridge on VLAN `vlan` of the trunk `device`; without a VLAN, on the device untagged
  Nat,   // a bridge that only this host knows; the host is its gateway and hides it
  Isolated,  // a bridge that leads nowhere
  Routed,    // no bridge: the host routes each address to its context
};
std::string_view nameOf(NetworkKind kind);  // "vlan", "nat", "isolated", "routed"
std::optional<NetworkKind> networkKindFrom(std::string_view name);

struct Subnet {
  Prefix prefix;
  std::optional<Address> gateway;
  bool operator==(const Subnet&) const = default;
};

struct Network {
  std::string name;
  NetworkKind kind = NetworkKind::Vlan;
  int vlan = 0;                 // 1 to 4094; 0: untagged
  std::string device;           // the trunk; empty: what the host's configuration says
  std::vector<Subnet> subnets;  // of both families
  std::string domain;
  std::vector<Address> dns;
  int mtu = 0;  // 0: that of the device

  bool operator==(const Network&) const = default;
  // The most specific subnet with this address; nullptr when there is none.
  const Subnet* subnetOf(const Address& address) const;
};

inline constexpr int kSmallestMtu = 576;       // RFC 791
inline constexpr int kSmallestMtuIPv6 = 1280;  // RFC 8200
inline constexpr int kLargestMtu = 65'521;

// Everything that is wrong with one network, in words; empty when it is fine.
std::vector<std::string> problemsOf(const Network& network);
// Everything by which networks that are fine by themselves are in each other's way: names, a VLAN
// twice on one device, the same subnet twice. Subnets inside others are no problem.
std::vector<std::string> problemsBetween(const std::vector<Network>& networks);
// Throws InvalidParameter with all problems of the first kind as blockers.
void checkNetwork(const Network& network);

struct Place {
  const Network* network = nullptr;
  const Subnet* subnet = nullptr;
};
// Where a context with `address` belongs: the network whose subnet holds it most closely. Throws
// InvalidParameter when no network has it (and says which there are), when two have it alike, and
// when it is a network's own, its broadcast or its gateway's address. The place points into
// `networks`, which must outlive it.
Place networkOf(const Address& address, const std::vector<Network>& networks);
Place networkOf(const Address& address, std::vector<Network>&& networks) = delete;

// Reads vs-tools' networks.conf: one network a line, '#' begins a comment.
//
//   vlan,network/prefix,gateway[,domain[,nameserver nameserver ...]]
//   3,10.0.3.0/24,10.0.3.1,foo.bar,10.0.3.5 10.0.3.6
//
// A second line with the same VLAN adds a subnet (of IPv6, say) to it. Names are "vlan3". Throws
// InvalidParameter with every problem as "FILE:LINE:COLUMN: ..." in its blockers.
std::vector<Network> parseNetworksConf(std::string_view text, const std::string& file);

}  // namespace vs::netfw
