#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

extern "C" {
#include <netlink/errno.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/ipvlan.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
}

#include <algorithm>

#include "netfw/netlink.hpp"
#include "netfw/nl.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/rollback.hpp"

namespace vs::netfw {
namespace {

// Of this thread's namespace. A kernel without IPv6 has none of these.
void setIPv6(const std::string& device, const char* key, const char* value) {
  const std::string path = fmt::format("/proc/sys/net/ipv6/conf/{}/{}", device, key);
  if (exists(path)) writeExisting(path, value);
}

// The device, or nullptr when it has to be made. Throws when somebody else has taken the name.
nl::Link findOurs(nl_sock* socket, const std::string& name) {
  nl::Link link = nl::find(socket, name);
  if (link && !nl::isOurs(link.get()))
    throw Error(Kind::Exists,
                fmt::format("device '{}' is there already, and not made by vsd", name))
        .withHint("remove or rename it: vsd needs the name");
  return link;
}

nl::RouteObject routeObject(int index, const Route& route) {
  nl::RouteObject made(rtnl_route_alloc());
  rtnl_route_set_dst(made.get(),
                     nl::addressOf(route.destination.address(), route.destination.length()).get());
  rtnl_nexthop* hop = rtnl_route_nh_alloc();
  rtnl_route_nh_set_ifindex(hop, index);
  rtnl_route_nh_set_gateway(hop, nl::addressOf(route.gateway, route.gateway.bits()).get());
  rtnl_route_add_nexthop(made.get(), hop);  // owned by the route from here
  return made;
}

void addRoute(nl_sock* inside, int index, const LinkPlan& plan, const Route& route) {
  nl::check(rtnl_route_add(inside, routeObject(index, route).get(), NLM_F_CREATE | NLM_F_REPLACE),
            fmt::format("give context '{}' the route {} by {}", plan.context,
                        route.destination.text(), route.gateway.text()));
}

class Applier {
 public:
  Applier(const LinkPlan& plan, int netns) : plan_(plan), netns_(netns), host_(nl::connect()) {}

  void run() {
    Rollback undo;
    if (!plan_.device.empty()) requireDevice();
    if (!plan_.vlanDevice.empty()) makeVlan(undo);
    if (!plan_.bridge.empty()) makeBridge(undo);
    if (plan_.hostEnd.empty())
      makeOnDevice(undo);
    else
      makePair(undo);
    nl::inNamespace(netns_, [this] { configureInside(); });
    if (!plan_.hostEnd.empty()) {
      joinBridge(plan_.hostEnd, nl::Switch::AsItIs);
      shape(plan_);
    }
    undo.commit();
  }

 private:
  void requireDevice() {
    const nl::Link device = nl::find(host_.get(), plan_.device);
    if (!device)
      throw Error(Kind::NotFound, fmt::format("cannot link context '{}' to network '{}': this host "
                                              "has no device '{}'",
                                              plan_.context, plan_.network, plan_.device));
    if ((rtnl_link_get_flags(device.get()) & IFF_UP) == 0)
      throw Error(Kind::InvalidState, fmt::format("cannot link context '{}' to network '{}': "
                                                  "device '{}' is down",
                                                  plan_.context, plan_.network, plan_.device))
          .withHint(fmt::format("ip link set {} up", plan_.device));
    deviceIndex_ = rtnl_link_get_ifindex(device.get());
  }

  // Makes `link` on the host and remembers to remove it.
  void add(rtnl_link* link, const std::string& name, Rollback& undo, const std::string& what) {
    rtnl_link_set_name(link, name.c_str());
    rtnl_link_set_group(link, nl::kGroup);
    const int result = rtnl_link_add(host_.get(), link, NLM_F_CREATE | NLM_F_EXCL);
    nl::check(result, what);
    undo.add(fmt::format("remove device '{}'", name),
             [name] { nl::removeOurs(nl::connect().get(), name); });
    setIPv6(name, "disable_ipv6", "1");
  }

  void makeVlan(Rollback& undo) {
    if (!findOurs(host_.get(), plan_.vlanDevice)) {
      const nl::Link link(rtnl_link_vlan_alloc());
      rtnl_link_set_link(link.get(), deviceIndex_);
      nl::check(rtnl_link_vlan_set_id(link.get(), static_cast<std::uint16_t>(plan_.vlan)),
                "a VLAN");
      if (plan_.mtu != 0) rtnl_link_set_mtu(link.get(), static_cast<unsigned>(plan_.mtu));
      try {
        add(link.get(), plan_.vlanDevice, undo,
            fmt::format("make VLAN {} on '{}'", plan_.vlan, plan_.device));
      } catch (Error& error) {
        if (error.kind() == Kind::Unsupported) error.withHint("this kernel needs module 8021q");
        if (error.kind() != Kind::Exists) throw;
        throw Error(Kind::Exists, fmt::format("VLAN {} of '{}' has a device already, which vsd has "
                                              "not made",
                                              plan_.vlan, plan_.device))
            .withHint(
                "'ip -d link' shows it, also in other network namespaces; remove it: network "
                "'" +
                plan_.network + "' needs the VLAN");
      }
    }
    setUp(plan_.vlanDevice, 0, nl::Switch::Up, "network " + plan_.network);
  }

  void makeBridge(Rollback& undo) {
    if (!findOurs(host_.get(), plan_.bridge)) {
      const nl::Link link(rtnl_link_bridge_alloc());
      rtnl_link_set_addr(link.get(), nl::macOf(plan_.bridgeMac).get());
      if (plan_.mtu != 0) rtnl_link_set_mtu(link.get(), static_cast<unsigned>(plan_.mtu));
      add(link.get(), plan_.bridge, undo, fmt::format("make bridge '{}'", plan_.bridge));
    }
    setUp(plan_.bridge, 0, nl::Switch::Up, "network " + plan_.network);
    const int index = rtnl_link_get_ifindex(nl::get(host_.get(), plan_.bridge).get());
    for (const AddressWithLength& address : plan_.bridgeAddresses)
      addAddress(host_.get(), index, address, "bridge '" + plan_.bridge + "'");
    if (!plan_.vlanDevice.empty()) joinBridge(plan_.vlanDevice, nl::Switch::Up);
  }

  void makePair(Rollback& undo) {
    const nl::Link there = findOurs(host_.get(), plan_.hostEnd);
    if (there) {
      if (isPairedInside(rtnl_link_get_ifindex(there.get()))) return;
      nl::removeOurs(host_.get(), plan_.hostEnd);  // of a namespace that is to go
    }
    const nl::Link link(rtnl_link_veth_alloc());
    const nl::Link peer(rtnl_link_veth_get_peer(link.get()));
    rtnl_link_set_name(peer.get(), plan_.name.c_str());
    rtnl_link_set_addr(peer.get(), nl::macOf(plan_.mac).get());
    rtnl_link_set_ns_fd(peer.get(), netns_);
    if (plan_.mtu != 0)
      for (rtnl_link* end : {link.get(), peer.get()})
        rtnl_link_set_mtu(end, static_cast<unsigned>(plan_.mtu));
    add(link.get(), plan_.hostEnd, undo,
        fmt::format("make link '{}' of context '{}'", plan_.hostEnd, plan_.context));
  }

  bool isPairedInside(int hostIndex) {
    bool isPaired = false;
    nl::inNamespace(netns_, [&] {
      const nl::Socket inside = nl::connect();
      const nl::Link link = nl::find(inside.get(), plan_.name);
      isPaired =
          link && rtnl_link_is_veth(link.get()) != 0 && rtnl_link_get_link(link.get()) == hostIndex;
    });
    return isPaired;
  }

  void makeOnDevice(Rollback& undo) {
    bool isThere = false;
    nl::inNamespace(netns_, [&] {
      const nl::Socket inside = nl::connect();
      isThere = nl::find(inside.get(), plan_.name) != nullptr;
    });
    if (isThere) return;
    int below = deviceIndex_;
    if (!plan_.vlanDevice.empty())
      below = rtnl_link_get_ifindex(nl::get(host_.get(), plan_.vlanDevice).get());
    const bool isMacvlan = plan_.mode == LinkMode::Macvlan;
    const nl::Link link(isMacvlan ? rtnl_link_macvlan_alloc() : rtnl_link_ipvlan_alloc());
    if (isMacvlan) {
      rtnl_link_macvlan_set_mode(link.get(), MACVLAN_MODE_BRIDGE);
      rtnl_link_set_addr(link.get(), nl::macOf(plan_.mac).get());
    } else {
      rtnl_link_ipvlan_set_mode(link.get(), IPVLAN_MODE_L2);
    }
    rtnl_link_set_name(link.get(), plan_.name.c_str());
    rtnl_link_set_link(link.get(), below);
    rtnl_link_set_ns_fd(link.get(), netns_);
    if (plan_.mtu != 0) rtnl_link_set_mtu(link.get(), static_cast<unsigned>(plan_.mtu));
    nl::check(rtnl_link_add(host_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
              fmt::format("make {} link '{}' of context '{}'", netfw::nameOf(plan_.mode),
                          plan_.name, plan_.context));
    undo.add("remove the link", [netns = netns_, name = plan_.name] {
      nl::inNamespace(netns, [&] {
        const nl::Socket inside = nl::connect();
        if (const nl::Link made = nl::find(inside.get(), name))
          nl::check(rtnl_link_delete(inside.get(), made.get()), "remove the link");
      });
    });
  }

  void configureInside() {
    const nl::Socket inside = nl::connect();
    nl::switchLink(inside.get(), "lo", nl::Switch::Up);
    // Before it is up: an advertisement may come at once.
    setIPv6(plan_.name, "accept_ra", "0");
    setIPv6(plan_.name, "autoconf", "0");
    setIPv6(plan_.name, "accept_dad", "0");
    // Without an address of it, all that the kernel says in IPv6 by itself would be refused.
    const bool speaksIPv6 = std::ranges::any_of(
        plan_.addresses,
        [](const AddressWithLength& address) { return address.address.family() == Family::IPv6; });
    setIPv6(plan_.name, "disable_ipv6", speaksIPv6 ? "0" : "1");
    const nl::Link link = nl::get(inside.get(), plan_.name);
    const int index = rtnl_link_get_ifindex(link.get());
    for (const AddressWithLength& address : plan_.addresses)
      addAddress(inside.get(), index, address, "context '" + plan_.context + "'");
    nl::switchLink(inside.get(), plan_.name, nl::Switch::Up);
    for (const Route& route : plan_.routes) addRoute(inside.get(), index, plan_, route);
  }

  static void addAddress(nl_sock* socket, int index, const AddressWithLength& address,
                         const std::string& whom) {
    const nl::IfAddr made(rtnl_addr_alloc());
    rtnl_addr_set_ifindex(made.get(), index);
    nl::check(rtnl_addr_set_local(made.get(), nl::addressOf(address.address, address.length).get()),
              "an address");
    if (address.address.family() == Family::IPv6)
      rtnl_addr_set_flags(made.get(), IFA_F_NODAD);
    else if (address.length < 31)
      rtnl_addr_set_broadcast(
          made.get(), nl::addressOf(address.address.withHostBits(address.length), 32).get());
    nl::check(rtnl_addr_add(socket, made.get(), NLM_F_CREATE | NLM_F_REPLACE),
              fmt::format("give address {} to {}", address.text(), whom));
  }

  void joinBridge(const std::string& name, nl::Switch to) {
    const nl::Link bridge = nl::get(host_.get(), plan_.bridge);
    const bool isLink = name == plan_.hostEnd;
    setUp(name, rtnl_link_get_ifindex(bridge.get()), to,
          (isLink ? "context " + plan_.context : "network " + plan_.network));
  }

  void setUp(const std::string& name, int master, nl::Switch to, const std::string& alias) {
    const nl::Link link = nl::get(host_.get(), name);
    const nl::Link changes(rtnl_link_alloc());
    if (to == nl::Switch::Up) rtnl_link_set_flags(changes.get(), IFF_UP);
    rtnl_link_set_ifalias(changes.get(), alias.c_str());
    if (master != 0) rtnl_link_set_master(changes.get(), master);
    nl::change(host_.get(), link.get(), changes.get(), fmt::format("set '{}' up", name));
  }

  const LinkPlan& plan_;
  int netns_;
  nl::Socket host_;
  int deviceIndex_ = 0;
};

}  // namespace

void switchRoutes(const LinkPlan& plan, int netns, Routes to) {
  nl::inNamespace(netns, [&] {
    const nl::Socket inside = nl::connect();
    const int index = rtnl_link_get_ifindex(nl::get(inside.get(), plan.name).get());
    for (const Route& route : plan.routes) {
      if (to == Routes::On) {
        addRoute(inside.get(), index, plan, route);
        continue;
      }
      const int result = rtnl_route_delete(inside.get(), routeObject(index, route).get(), 0);
      if (result != -NLE_OBJ_NOTFOUND)
        nl::check(result, fmt::format("take the route {} from context '{}'",
                                      route.destination.text(), plan.context));
    }
  });
}

void apply(const LinkPlan& plan, int netns) {
  const std::lock_guard lock(nl::networks());
  Applier(plan, netns).run();
}

void bringUpLoopback(int netns) {
  nl::inNamespace(netns, [] {
    const nl::Socket inside = nl::connect();
    nl::switchLink(inside.get(), "lo", nl::Switch::Up);
  });
}

}  // namespace vs::netfw
