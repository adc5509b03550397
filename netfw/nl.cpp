#include "netfw/nl.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <net/if_arp.h>
#include <sched.h>

extern "C" {
#include <netlink/cache.h>
#include <netlink/errno.h>
}

#include <exception>
#include <new>
#include <thread>

namespace vs::netfw::nl {
namespace {

template <typename Handle>
Handle made(Handle handle) {
  if (!handle) throw std::bad_alloc();
  return handle;
}

}  // namespace

Socket connect() {
  Socket socket = made(Socket(nl_socket_alloc()));
  check(nl_connect(socket.get(), NETLINK_ROUTE), "open a netlink socket");
  return socket;
}

void inNamespace(int netns, const std::function<void()>& act) {
  std::exception_ptr trouble;
  std::thread([&] {
    try {
      vs::check(::setns(netns, CLONE_NEWNET), "enter a network namespace");
      act();
    } catch (...) {
      trouble = std::current_exception();
    }
  }).join();
  if (trouble) std::rethrow_exception(trouble);
}

void check(int result, const std::string& what) {
  if (result >= 0) return;
  const Kind kind = result == -NLE_OPNOTSUPP ? Kind::Unsupported
                    : result == -NLE_EXIST   ? Kind::Exists
                                             : Kind::Failed;
  throw Error(kind, fmt::format("{}: {}", what, nl_geterror(result)));
}

Link find(nl_sock* socket, const std::string& name) {
  rtnl_link* found = nullptr;
  const int result = rtnl_link_get_kernel(socket, 0, name.c_str(), &found);
  if (result == -NLE_NODEV || result == -NLE_OBJ_NOTFOUND) return nullptr;
  check(result, fmt::format("look for device '{}'", name));
  return Link(found);
}

Link get(nl_sock* socket, const std::string& name) {
  Link link = find(socket, name);
  if (!link) throw failed("device '{}' has gone", name);
  return link;
}

std::vector<Link> findAll(nl_sock* socket) {
  nl_cache* all = nullptr;
  check(rtnl_link_alloc_cache(socket, AF_UNSPEC, &all), "list network devices");
  const Cache cache(all);
  std::vector<Link> links;
  for (nl_object* object = nl_cache_get_first(all); object != nullptr;
       object = nl_cache_get_next(object)) {
    nl_object_get(object);
    links.emplace_back(reinterpret_cast<rtnl_link*>(object));
  }
  return links;
}

bool isOurs(rtnl_link* link) { return rtnl_link_get_group(link) == kGroup; }
std::string nameOf(rtnl_link* link) {
  const char* name = rtnl_link_get_name(link);
  return name == nullptr ? "" : name;
}

void change(nl_sock* socket, rtnl_link* link, rtnl_link* changes, const std::string& what) {
  check(rtnl_link_change(socket, link, changes, 0), what);
}

void switchLink(nl_sock* socket, const std::string& name, Switch to) {
  const Link link = get(socket, name);
  const Link changes(rtnl_link_alloc());
  if (to == Switch::Up)
    rtnl_link_set_flags(changes.get(), IFF_UP);
  else
    rtnl_link_unset_flags(changes.get(), IFF_UP);
  change(socket, link.get(), changes.get(),
         fmt::format("switch '{}' {}", name, to == Switch::Up ? "on" : "off"));
}

void removeOurs(nl_sock* socket, const std::string& name) {
  const Link link = find(socket, name);
  if (link && isOurs(link.get()))
    check(rtnl_link_delete(socket, link.get()), fmt::format("remove device '{}'", name));
}

std::mutex& networks() {
  static std::mutex mutex;
  return mutex;
}

Addr addressOf(const Address& address, int length) {
  const int family = address.family() == Family::IPv4 ? AF_INET : AF_INET6;
  Addr made(nl_addr_build(family, address.bytes(), static_cast<std::size_t>(address.bits() / 8)));
  if (!made) throw std::bad_alloc();
  nl_addr_set_prefixlen(made.get(), length);
  return made;
}

Addr macOf(const std::string& mac) {
  nl_addr* parsed = nullptr;
  check(nl_addr_parse(mac.c_str(), AF_LLC, &parsed), fmt::format("read MAC address '{}'", mac));
  return Addr(parsed);
}

}  // namespace vs::netfw::nl
