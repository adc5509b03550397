#include <fmt/format.h>

extern "C" {
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>
}

#include <algorithm>

#include "netfw/netlink.hpp"
#include "netfw/nl.hpp"

namespace vs::netfw {
namespace {

using Qdisc = std::unique_ptr<rtnl_qdisc, nl::Deleter<rtnl_qdisc_put>>;

constexpr std::uint64_t kQueuePart = 20;  // what waits at most: what comes in a 20th of a second

Qdisc rootOf(rtnl_link* link) {
  Qdisc qdisc(rtnl_qdisc_alloc());
  rtnl_tc* tc = TC_CAST(qdisc.get());
  rtnl_tc_set_ifindex(tc, rtnl_link_get_ifindex(link));
  rtnl_tc_set_parent(tc, TC_H_ROOT);
  return qdisc;
}

// Without one of its own a device has what the kernel gives it.
bool hasBucket(nl_sock* socket, rtnl_link* link) {
  nl_cache* all = nullptr;
  nl::check(rtnl_qdisc_alloc_cache(socket, &all), "list queues");
  const nl::Cache cache(all);
  rtnl_qdisc* found = rtnl_qdisc_get_by_parent(all, rtnl_link_get_ifindex(link), TC_H_ROOT);
  if (found == nullptr) return false;
  const Qdisc qdisc(found);
  const char* kind = rtnl_tc_get_kind(TC_CAST(found));
  return kind != nullptr && std::string(kind) == "tbf";
}

}  // namespace

void shape(const LinkPlan& plan) {
  if (plan.hostEnd.empty()) return;
  const nl::Socket host = nl::connect();
  const nl::Link link = nl::get(host.get(), plan.hostEnd);
  const Qdisc qdisc = rootOf(link.get());
  if (plan.shape.in == 0) {
    if (hasBucket(host.get(), link.get()))
      nl::check(rtnl_qdisc_delete(host.get(), qdisc.get()),
                fmt::format("let '{}' pass without a limit", plan.hostEnd));
    return;
  }
  // The bytes of a second fit an int: rates are held below 16 Gbit.
  const auto bytes = static_cast<int>(plan.shape.in / 8);
  const std::uint64_t burst = plan.shape.burstFor(plan.shape.in);
  nl::check(rtnl_tc_set_kind(TC_CAST(qdisc.get()), "tbf"), "a token bucket");
  rtnl_qdisc_tbf_set_rate(qdisc.get(), bytes, static_cast<int>(burst), 0);
  rtnl_qdisc_tbf_set_limit(qdisc.get(), static_cast<int>(burst + plan.shape.in / 8 / kQueuePart));
  nl::check(
      rtnl_qdisc_add(host.get(), qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE),
      fmt::format("limit what '{}' passes to {}", plan.hostEnd, formatBitRate(plan.shape.in)));
}

}  // namespace vs::netfw
