#include "netfw/watch.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "netfw/nl.hpp"
#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

Fd listenTo(int protocol, int group) {
  Fd socket(vs::check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol),
                      "open a netlink socket"));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  vs::check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            "bind a netlink socket");
  vs::check(::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group),
            "listen to the kernel");
  return socket;
}

// The attribute of that type behind a header of `header` bytes; empty when there is none.
std::string_view attributeOf(const nlmsghdr* message, std::size_t header, int type) {
  const char* at = reinterpret_cast<const char*>(NLMSG_DATA(message)) + NLMSG_ALIGN(header);
  const char* end = reinterpret_cast<const char*>(message) + message->nlmsg_len;
  while (end - at >= NLA_HDRLEN) {
    nlattr attribute{};
    std::memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == type)
      return {at + NLA_HDRLEN, static_cast<std::size_t>(attribute.nla_len - NLA_HDRLEN)};
    at += NLA_ALIGN(attribute.nla_len);
  }
  return {};
}

void hearRules(const nlmsghdr* message, Heard& heard) {
  if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES) return;
  switch (NFNL_MSG_TYPE(message->nlmsg_type)) {
    case NFT_MSG_DELTABLE:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_DELRULE:
    case NFT_MSG_DELSET:
    case NFT_MSG_DELSETELEM:
      break;
    default:
      return;
  }
  // The table's name is the first attribute of each of them.
  std::string_view table = attributeOf(message, sizeof(nfgenmsg), NFTA_TABLE_NAME);
  table = table.substr(0, table.find('\0'));
  if (table.starts_with("vsd-")) heard.tables.emplace(table);
}

void hearDevice(const nlmsghdr* message, Heard& heard) {
  if (message->nlmsg_type != RTM_DELLINK) return;
  const std::string_view group = attributeOf(message, sizeof(ifinfomsg), IFLA_GROUP);
  unsigned number = 0;
  if (group.size() == sizeof number) std::memcpy(&number, group.data(), sizeof number);
  if (number == nl::kGroup) heard.devices = true;
}

void drain(const Fd& socket, void (*hear)(const nlmsghdr*, Heard&), Heard& heard) {
  alignas(nlmsghdr) std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      heard.missed = true;
      continue;
    }
    if (got <= 0) return;
    auto left = static_cast<unsigned>(got);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left))
      hear(message, heard);
  }
}

}  // namespace

Watch::Watch()
    : rules_(listenTo(NETLINK_NETFILTER, NFNLGRP_NFTABLES)),
      devices_(listenTo(NETLINK_ROUTE, RTNLGRP_LINK)) {}

Heard Watch::wait(Millis time) {
  std::array<pollfd, 2> both{{{rules_.get(), POLLIN, 0}, {devices_.get(), POLLIN, 0}}};
  Heard heard;
  if (::poll(both.data(), both.size(), static_cast<int>(time.count())) <= 0) return heard;
  drain(rules_, hearRules, heard);
  drain(devices_, hearDevice, heard);
  return heard;
}

}  // namespace vs::netfw
