#include "netfw/links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vsd/base/error.hpp"
#include "vsd/base/hash.hpp"

namespace vs::netfw {
namespace {

constexpr std::array<std::pair<LinkMode, std::string_view>, 3> kModes{{
    {LinkMode::Bridge, "bridge"},
    {LinkMode::Macvlan, "macvlan"},
    {LinkMode::Ipvlan, "ipvlan"},
}};
constexpr std::size_t kLongestName = 15;  // IFNAMSIZ without its end

std::string digestOf(const std::string& text) {
  Hash hash;
  hash.add(text.data(), text.size());
  return hash.digest();
}

// 11 digits of base 32: 55 bits.
std::string digits(const std::string& text) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  auto value = std::stoull(digestOf(text).substr(0, 16), nullptr, 16);
  std::string made;
  for (int i = 0; i < 11; ++i, value >>= 5) made += kDigits[value & 31];
  return made;
}

std::string shortened(const std::string& kind, const std::string& name) {
  const std::string whole = kind + "-" + name;
  return whole.size() <= kLongestName ? whole : kind + "." + digits(name);
}

std::string macFrom(const std::string& text) {
  const std::string hex = digestOf(text);
  std::string mac = "02";
  for (std::size_t i = 0; i < 5; ++i) mac += ":" + hex.substr(2 * i, 2);
  return mac;
}

void planBelow(const LinkWish& wish, const Network& network, const std::string& defaultDevice,
               LinkPlan& plan) {
  if (network.kind == NetworkKind::Routed)
    throw Error(Kind::Unsupported,
                fmt::format("networks of kind {} cannot be used yet: network '{}'",
                            nameOf(network.kind), network.name));
  if (network.kind == NetworkKind::Vlan) {
    plan.device = network.device.empty() ? defaultDevice : network.device;
    if (plan.device.empty())
      throw invalid("network '{}' has no device, and this host names none", network.name)
          .withHint("give the network a device, or set the host's trunk in vsd.toml");
    plan.vlan = network.vlan;
    if (plan.vlan != 0) plan.vlanDevice = vlanDeviceName(plan.device, plan.vlan);
  }
  if (wish.mode != LinkMode::Bridge) {
    if (plan.device.empty())
      throw invalid("a link of mode {} needs a device, and network '{}' is {}", nameOf(wish.mode),
                    network.name, nameOf(network.kind));
    return;
  }
  // A bridge above the untagged device would take the host's own address off the wire.
  if (network.kind == NetworkKind::Vlan && plan.vlan == 0)
    throw invalid("network '{}' is untagged: a bridge would cut '{}' off from this host",
                  network.name, plan.device)
        .withHint("use --link macvlan or ipvlan, or give the network a VLAN");
  plan.bridge = bridgeName(network.name);
  plan.bridgeMac = macFrom("bridge " + network.name);
  if (network.kind == NetworkKind::Nat)
    for (const Subnet& subnet : network.subnets)
      if (subnet.gateway) plan.bridgeAddresses.push_back({*subnet.gateway, subnet.prefix.length()});
  plan.hostEnd = hostEndName(wish.context, wish.index);
}

void addAddress(const Address& address, const Network& network, LinkPlan& plan) {
  const std::vector<Network> only{network};  // what a Place points into
  const Place place = networkOf(address, only);
  plan.addresses.push_back({address, place.subnet->prefix.length()});
  if (!place.subnet->gateway) return;
  const Prefix everything = *Prefix::parse(address.family() == Family::IPv4 ? "0/0" : "::/0");
  // The first address of a family says which gateway is the default one.
  if (std::none_of(plan.routes.begin(), plan.routes.end(),
                   [&](const Route& route) { return route.destination == everything; }))
    plan.routes.push_back({everything, *place.subnet->gateway});
}

}  // namespace

std::string_view nameOf(LinkMode mode) {
  return std::find_if(kModes.begin(), kModes.end(), [&](auto& m) { return m.first == mode; })
      ->second;
}

std::optional<LinkMode> linkModeFrom(std::string_view name) {
  for (const auto& [mode, text] : kModes)
    if (text == name) return mode;
  return std::nullopt;
}

std::uint64_t Shape::burstFor(std::uint64_t rate) const {
  // One packet of the kernel's own may hold 64 KiB.
  return burst.value != 0 ? burst.value : std::max(rate / 80, (128_KiB).value);
}

std::string hostEndName(const std::string& context, int index) {
  return shortened(fmt::format("vs{}", index), context);
}
std::string bridgeName(const std::string& network) { return shortened("vsb", network); }
std::string vlanDeviceName(const std::string& device, int vlan) {
  std::string name = fmt::format("{}.{}", device, vlan);
  return name.size() <= kLongestName ? name : "vsv." + digits(name);
}
std::string macFor(const std::string& uuid, int index) {
  return macFrom(fmt::format("link {} {}", uuid, index));
}

LinkPlan planLink(const LinkWish& wish, const Network& network, const std::string& defaultDevice) {
  if (wish.index < 0 || wish.index >= kMostLinks)
    throw invalid("a context has at most {} links", kMostLinks);
  LinkPlan plan;
  plan.context = wish.context;
  plan.network = network.name;
  plan.mode = wish.mode;
  planBelow(wish, network, defaultDevice, plan);
  plan.name = fmt::format("eth{}", wish.index);
  // What shares its device's MAC address has no own.
  if (wish.mode != LinkMode::Ipvlan) plan.mac = macFor(wish.uuid, wish.index);
  plan.mtu = network.mtu;
  plan.shape = wish.shape;
  if (plan.hostEnd.empty() && wish.shape != Shape{})
    throw Error(Kind::Unsupported,
                fmt::format("a link of mode {} has no end on this host, so it can have no rate",
                            nameOf(wish.mode)))
        .withHint("use mode bridge, or leave the rates away");
  for (const Address& address : wish.addresses) addAddress(address, network, plan);
  return plan;
}

std::vector<std::string> describe(const LinkPlan& plan) {
  std::vector<std::string> lines;
  const auto add = [&lines]<typename... Args>(fmt::format_string<Args...> text, Args&&... args) {
    lines.push_back(fmt::format(text, std::forward<Args>(args)...));
  };
  if (!plan.vlanDevice.empty())
    add("VLAN {} of {} as {}, unless it is there", plan.vlan, plan.device, plan.vlanDevice);
  if (!plan.bridge.empty())
    add("bridge {} of network {}, unless it is there", plan.bridge, plan.network);
  for (const AddressWithLength& address : plan.bridgeAddresses)
    add("address {} of this host on {}, and what hides {} behind this host", address.text(),
        plan.bridge, plan.network);
  const std::string mtu = plan.mtu == 0 ? "" : fmt::format(", MTU {}", plan.mtu);
  const std::string mac = plan.mac.empty() ? "" : fmt::format(", MAC {}", plan.mac);
  if (plan.hostEnd.empty())
    add("{} {} on {}{}{}", nameOf(plan.mode), plan.name,
        plan.vlanDevice.empty() ? plan.device : plan.vlanDevice, mac, mtu);
  else
    add("link {} to {} inside{}{}", plan.hostEnd, plan.name, mac, mtu);
  if (plan.shape.in != 0) add("{} in at most on {}", formatBitRate(plan.shape.in), plan.name);
  if (plan.shape.out != 0) add("{} out at most on {}", formatBitRate(plan.shape.out), plan.name);
  for (const AddressWithLength& address : plan.addresses)
    add("address {} on {}", address.text(), plan.name);
  for (const Route& route : plan.routes)
    add("route {} by {}", route.destination.text(), route.gateway.text());
  return lines;
}

}  // namespace vs::netfw
