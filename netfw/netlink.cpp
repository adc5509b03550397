#include "netfw/netlink.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

extern "C" {
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/ipvlan.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
}

#include <algorithm>
#include <mutex>
#include <set>

#include "netfw/nl.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/base/units.hpp"

namespace vs::netfw {
namespace {

// Networks are shared by contexts: nobody may remove one between another's look and its link.
std::mutex& everything() {
  static std::mutex mutex;
  return mutex;
}

// Of this thread's namespace. A kernel without IPv6 has none of these.
void setIPv6(const std::string& device, const char* key, const char* value) {
  const std::string path = fmt::format("/proc/sys/net/ipv6/conf/{}/{}", device, key);
  if (exists(path)) writeExisting(path, value);
}

void change(nl_sock* socket, rtnl_link* link, rtnl_link* changes, const std::string& what) {
  nl::check(rtnl_link_change(socket, link, changes, 0), what);
}

enum class Switch { Up, Down, AsItIs };

void switchLink(nl_sock* socket, const std::string& name, Switch to) {
  const nl::Link link = nl::find(socket, name);
  if (!link) throw failed("device '{}' has gone", name);
  const nl::Link changes(rtnl_link_alloc());
  if (to == Switch::Up)
    rtnl_link_set_flags(changes.get(), IFF_UP);
  else
    rtnl_link_unset_flags(changes.get(), IFF_UP);
  change(socket, link.get(), changes.get(),
         fmt::format("switch '{}' {}", name, to == Switch::Up ? "on" : "off"));
}

void deleteLink(nl_sock* socket, const std::string& name) {
  const nl::Link link = nl::find(socket, name);
  if (link && nl::isOurs(link.get()))
    nl::check(rtnl_link_delete(socket, link.get()), fmt::format("remove device '{}'", name));
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
    if (!plan_.hostEnd.empty()) joinBridge(plan_.hostEnd, Switch::AsItIs);
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
             [name] { deleteLink(nl::connect().get(), name); });
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
        throw;
      }
    }
    setUp(plan_.vlanDevice, 0, Switch::Up, "network " + plan_.network);
  }

  void makeBridge(Rollback& undo) {
    if (!findOurs(host_.get(), plan_.bridge)) {
      const nl::Link link(rtnl_link_bridge_alloc());
      rtnl_link_set_addr(link.get(), nl::macOf(plan_.bridgeMac).get());
      if (plan_.mtu != 0) rtnl_link_set_mtu(link.get(), static_cast<unsigned>(plan_.mtu));
      add(link.get(), plan_.bridge, undo, fmt::format("make bridge '{}'", plan_.bridge));
    }
    setUp(plan_.bridge, 0, Switch::Up, "network " + plan_.network);
    if (!plan_.vlanDevice.empty()) joinBridge(plan_.vlanDevice, Switch::Up);
  }

  void makePair(Rollback& undo) {
    const nl::Link there = findOurs(host_.get(), plan_.hostEnd);
    if (there) {
      if (isPairedInside(rtnl_link_get_ifindex(there.get()))) return;
      deleteLink(host_.get(), plan_.hostEnd);  // of a namespace that is to go
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
      below = rtnl_link_get_ifindex(nl::find(host_.get(), plan_.vlanDevice).get());
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
    switchLink(inside.get(), "lo", Switch::Up);
    // Before it is up: an advertisement may come at once.
    setIPv6(plan_.name, "accept_ra", "0");
    setIPv6(plan_.name, "autoconf", "0");
    setIPv6(plan_.name, "accept_dad", "0");
    const nl::Link link = nl::find(inside.get(), plan_.name);
    const int index = rtnl_link_get_ifindex(link.get());
    for (const AddressWithLength& address : plan_.addresses)
      addAddress(inside.get(), index, address);
    switchLink(inside.get(), plan_.name, Switch::Up);
    for (const Route& route : plan_.routes) addRoute(inside.get(), index, route);
  }

  void addAddress(nl_sock* inside, int index, const AddressWithLength& address) {
    const nl::IfAddr made(rtnl_addr_alloc());
    rtnl_addr_set_ifindex(made.get(), index);
    nl::check(rtnl_addr_set_local(made.get(), nl::addressOf(address.address, address.length).get()),
              "an address");
    if (address.address.family() == Family::IPv6)
      rtnl_addr_set_flags(made.get(), IFA_F_NODAD);
    else if (address.length < 31)
      rtnl_addr_set_broadcast(
          made.get(), nl::addressOf(address.address.withHostBits(address.length), 32).get());
    nl::check(rtnl_addr_add(inside, made.get(), NLM_F_CREATE | NLM_F_REPLACE),
              fmt::format("give address {} to context '{}'", address.text(), plan_.context));
  }

  void addRoute(nl_sock* inside, int index, const Route& route) {
    const nl::RouteObject made(rtnl_route_alloc());
    rtnl_route_set_dst(
        made.get(), nl::addressOf(route.destination.address(), route.destination.length()).get());
    rtnl_nexthop* hop = rtnl_route_nh_alloc();
    rtnl_route_nh_set_ifindex(hop, index);
    rtnl_route_nh_set_gateway(hop, nl::addressOf(route.gateway, route.gateway.bits()).get());
    rtnl_route_add_nexthop(made.get(), hop);  // owned by the route from here
    nl::check(rtnl_route_add(inside, made.get(), NLM_F_CREATE | NLM_F_REPLACE),
              fmt::format("give context '{}' the route {} by {}", plan_.context,
                          route.destination.text(), route.gateway.text()));
  }

  void joinBridge(const std::string& name, Switch to) {
    const nl::Link bridge = nl::find(host_.get(), plan_.bridge);
    if (!bridge) throw failed("bridge '{}' has gone", plan_.bridge);
    const bool isLink = name == plan_.hostEnd;
    setUp(name, rtnl_link_get_ifindex(bridge.get()), to,
          (isLink ? "context " + plan_.context : "network " + plan_.network));
  }

  void setUp(const std::string& name, int master, Switch to, const std::string& alias) {
    const nl::Link link = nl::find(host_.get(), name);
    if (!link) throw failed("device '{}' has gone", name);
    const nl::Link changes(rtnl_link_alloc());
    if (to == Switch::Up) rtnl_link_set_flags(changes.get(), IFF_UP);
    rtnl_link_set_ifalias(changes.get(), alias.c_str());
    if (master != 0) rtnl_link_set_master(changes.get(), master);
    change(host_.get(), link.get(), changes.get(), fmt::format("set '{}' up", name));
  }

  const LinkPlan& plan_;
  int netns_;
  nl::Socket host_;
  int deviceIndex_ = 0;
};

// Bridges of ours without a context, and the VLANs that are their ports.
void removeUnused(nl_sock* socket, const std::set<int>& bridges) {
  const std::vector<nl::Link> links = nl::findAll(socket);
  for (const nl::Link& bridge : links) {
    const int index = rtnl_link_get_ifindex(bridge.get());
    if (bridges.count(index) == 0 || !nl::isOurs(bridge.get())) continue;
    std::vector<std::string> below;
    bool isUsed = false;
    for (const nl::Link& port : links) {
      if (rtnl_link_get_master(port.get()) != index) continue;
      if (nl::isOurs(port.get()) && rtnl_link_is_vlan(port.get()) != 0)
        below.push_back(nl::nameOf(port.get()));
      else
        isUsed = true;
    }
    if (isUsed) continue;
    deleteLink(socket, nl::nameOf(bridge.get()));
    for (const std::string& vlan : below) deleteLink(socket, vlan);
  }
}

void requireHostEnd(nl_sock* socket, const LinkPlan& plan) {
  const nl::Link link = nl::find(socket, plan.hostEnd);
  if (!link || !nl::isOurs(link.get()))
    throw Error(Kind::NotFound, fmt::format("context '{}' has no link '{}' on this host",
                                            plan.context, plan.hostEnd));
}

// Waits until the kernel has noticed that a device has its carrier (its linkwatch works behind
// everybody's back), told by its messages. Kernels from 6.8 on notice when they are asked.
class CarrierWatch {
 public:
  CarrierWatch() : events_(nl::connect()), asking_(nl::connect()) {
    nl_socket_disable_seq_check(events_.get());
    nl::check(nl_socket_add_membership(events_.get(), RTNLGRP_LINK), "listen to the kernel");
    nl_socket_modify_cb(
        events_.get(), NL_CB_VALID, NL_CB_CUSTOM, [](nl_msg*, void*) -> int { return NL_OK; },
        nullptr);
  }

  void wait(const std::string& name) {
    const Deadline deadline = deadlineIn(Millis(2000));
    while (true) {
      const nl::Link link = nl::find(asking_.get(), name);
      if (!link) throw failed("device '{}' has gone", name);
      if (rtnl_link_get_operstate(link.get()) == IF_OPER_UP) return;
      const auto left =
          std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !waitReadable(nl_socket_get_fd(events_.get()), left))
        throw Error(Kind::TimedOut, fmt::format("device '{}' gets no carrier", name));
      nl_recvmsgs_default(events_.get());
    }
  }

 private:
  nl::Socket events_;
  nl::Socket asking_;
};

}  // namespace

void apply(const LinkPlan& plan, int netns) {
  const std::lock_guard lock(everything());
  Applier(plan, netns).run();
}

void plug(const LinkPlan& plan, int netns) {
  if (plan.hostEnd.empty()) return;
  const nl::Socket host = nl::connect();
  requireHostEnd(host.get(), plan);
  CarrierWatch watch;
  nl::inNamespace(netns, [&] {
    CarrierWatch inside;
    switchLink(host.get(), plan.hostEnd, Switch::Up);
    inside.wait(plan.name);
  });
  watch.wait(plan.hostEnd);
}

void unplug(const LinkPlan& plan) {
  if (plan.hostEnd.empty()) return;
  const nl::Socket host = nl::connect();
  requireHostEnd(host.get(), plan);
  switchLink(host.get(), plan.hostEnd, Switch::Down);
}

void remove(const std::string& context) {
  const std::lock_guard lock(everything());
  const nl::Socket socket = nl::connect();
  std::set<int> bridges;
  for (int index = 0; index < kMostLinks; ++index) {
    const std::string name = hostEndName(context, index);
    const nl::Link link = nl::find(socket.get(), name);
    if (!link || !nl::isOurs(link.get())) continue;
    bridges.insert(rtnl_link_get_master(link.get()));
    deleteLink(socket.get(), name);
  }
  removeUnused(socket.get(), bridges);
}

void removeNetwork(const std::string& network, const std::string& vlanDevice) {
  const std::lock_guard lock(everything());
  const nl::Socket socket = nl::connect();
  const std::string bridge = bridgeName(network);
  if (const nl::Link link = nl::find(socket.get(), bridge)) {
    removeUnused(socket.get(), {rtnl_link_get_ifindex(link.get())});
    if (nl::find(socket.get(), bridge) && nl::isOurs(link.get()))
      throw Error(Kind::Busy, fmt::format("network '{}' still has contexts on this host", network));
  }
  if (!vlanDevice.empty()) deleteLink(socket.get(), vlanDevice);
}

std::vector<std::string> ourDevices() {
  const nl::Socket socket = nl::connect();
  std::vector<std::string> names;
  for (const nl::Link& link : nl::findAll(socket.get()))
    if (nl::isOurs(link.get())) names.push_back(nl::nameOf(link.get()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vs::netfw
