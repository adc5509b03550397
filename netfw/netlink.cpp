#include "netfw/netlink.hpp"

#include <fmt/format.h>
#include <linux/if.h>

extern "C" {
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/vlan.h>
}

#include <algorithm>

#include "netfw/nl.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"

namespace vs::netfw {
namespace {

// Bridges of ours without a context, and the VLANs that are their ports.
void removeUnused(nl_sock* socket) {
  const std::vector<nl::Link> links = nl::findAll(socket);
  for (const nl::Link& bridge : links) {
    const int index = rtnl_link_get_ifindex(bridge.get());
    if (!nl::isOurs(bridge.get()) || rtnl_link_is_bridge(bridge.get()) == 0) continue;
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
    nl::removeOurs(socket, nl::nameOf(bridge.get()));
    for (const std::string& vlan : below) nl::removeOurs(socket, vlan);
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
      const nl::Link link = nl::get(asking_.get(), name);
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

void plug(const LinkPlan& plan, int netns) {
  if (plan.hostEnd.empty()) return;
  const nl::Socket host = nl::connect();
  requireHostEnd(host.get(), plan);
  CarrierWatch watch;
  nl::inNamespace(netns, [&] {
    CarrierWatch inside;
    nl::switchLink(host.get(), plan.hostEnd, nl::Switch::Up);
    inside.wait(plan.name);
  });
  watch.wait(plan.hostEnd);
}

void unplug(const LinkPlan& plan) {
  if (plan.hostEnd.empty()) return;
  const nl::Socket host = nl::connect();
  requireHostEnd(host.get(), plan);
  nl::switchLink(host.get(), plan.hostEnd, nl::Switch::Down);
}

void remove(const std::string& context) {
  const std::lock_guard lock(nl::networks());
  const nl::Socket socket = nl::connect();
  for (int index = 0; index < kMostLinks; ++index)
    nl::removeOurs(socket.get(), hostEndName(context, index));
  // All of them: a pair goes with its namespace, and nobody knows by then in which it was.
  removeUnused(socket.get());
}

void removeNetwork(const std::string& network, const std::string& vlanDevice) {
  const std::lock_guard lock(nl::networks());
  const nl::Socket socket = nl::connect();
  const std::string bridge = bridgeName(network);
  if (const nl::Link link = nl::find(socket.get(), bridge)) {
    removeUnused(socket.get());
    if (nl::find(socket.get(), bridge) && nl::isOurs(link.get()))
      throw Error(Kind::Busy, fmt::format("network '{}' still has contexts on this host", network));
  }
  if (!vlanDevice.empty()) nl::removeOurs(socket.get(), vlanDevice);
}

void removeDevice(const std::string& name) {
  const std::lock_guard lock(nl::networks());
  nl::removeOurs(nl::connect().get(), name);
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
