// What a context's link in a network is made of, as a value: made by planLink() from what is
// wished, shown by describe(), carried out by apply() (netfw/netlink.hpp).
//
//   trunk0 ── trunk0.3 ── vsb-vlan3 ── vs0-web1 ═══ eth0        Bridge (networks with a VLAN)
//   device    VLAN        bridge       host end     inside
//                         vsb-lonely ── vs0-web1 ═══ eth0       Bridge (isolated, nat networks)
//   trunk0 ── trunk0.3 ─────────────────────────── eth0         Macvlan, Ipvlan
//
// VLAN and bridge belong to the network: made with its first context, removed with its last. The
// host has an address only on the bridge of a nat network, as its gateway.
//
// A name of a device has 15 bytes at most (IFNAMSIZ). What is longer than the 11 that are left is
// told by 55 bits of its SHA-256 instead, behind a '.', which no name of ours has: "vs0.k3m...".
// The whole name is the device's alias then too, for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/address.hpp"
#include "netfw/network.hpp"
#include "vsd/base/units.hpp"

namespace vs::netfw {

enum class LinkMode { Bridge, Macvlan, Ipvlan };
std::string_view nameOf(LinkMode mode);  // "bridge", "macvlan", "ipvlan"
std::optional<LinkMode> linkModeFrom(std::string_view name);

// A context has at most so many links.
inline constexpr int kMostLinks = 10;

// What a link passes at most, as the context sees it; 0: no limit.
struct Shape {
  std::uint64_t in = 0;   // bits a second that it receives: more waits, as long as there is room
  std::uint64_t out = 0;  // bits a second that it sends: more is dropped
  // That may come at once; 0: what comes in a tenth of a second. Of what it sends a second's worth
  // more may: nftables counts so.
  Bytes burst;
  // The burst that goes with such a rate, in bytes.
  std::uint64_t burstFor(std::uint64_t rate) const;
  bool operator==(const Shape&) const = default;
};

struct LinkWish {
  std::string context;
  std::string uuid;  // of the context: its MAC address follows from it
  int index = 0;     // which of the context's links, below kMostLinks
  LinkMode mode = LinkMode::Bridge;
  std::vector<Address> addresses;  // all in subnets of the network
  Shape shape;
};

struct Route {
  Prefix destination;
  Address gateway;
  bool operator==(const Route&) const = default;
};

struct LinkPlan {
  std::string context;
  std::string network;
  LinkMode mode = LinkMode::Bridge;

  std::string device;      // the trunk, which must be there; empty in an isolated network
  int vlan = 0;            // 0: untagged
  std::string vlanDevice;  // empty: none
  std::string bridge;      // empty: none
  std::string bridgeMac;
  std::vector<AddressWithLength> bridgeAddresses;  // this host's own there
  std::string hostEnd;                             // of the veth pair; empty: none

  std::string name;  // inside: "eth0"
  std::string mac;
  int mtu = 0;  // 0: as the kernel gives it
  std::vector<AddressWithLength> addresses;
  std::vector<Route> routes;
  Shape shape;

  bool operator==(const LinkPlan&) const = default;
};

// Throws InvalidParameter for an address outside the network, a mode that the network cannot have,
// and a network without device where one is needed (`defaultDevice` is the host's own).
LinkPlan planLink(const LinkWish& wish, const Network& network,
                  const std::string& defaultDevice = {});
// One line each thing that would be made, for people.
std::vector<std::string> describe(const LinkPlan& plan);

// "vs0-web1"
std::string hostEndName(const std::string& context, int index);
// "vsb-vlan3"
std::string bridgeName(const std::string& network);
// "trunk0.3"; what is too long is shortened as above: "vsv.k3m...".
std::string vlanDeviceName(const std::string& device, int vlan);
// "02:..": locally administered, the same for the same uuid and index wherever the context is.
std::string macFor(const std::string& uuid, int index);

}  // namespace vs::netfw
