// libnl's objects in handles, and its errors as ours. Only for this folder's own sources.
#pragma once

extern "C" {
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
}

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "netfw/address.hpp"
#include "vsd/base/error.hpp"

namespace vs::netfw::nl {

template <auto Free>
struct Deleter {
  template <typename Object>
  void operator()(Object* object) const noexcept {
    Free(object);
  }
};
using Socket = std::unique_ptr<nl_sock, Deleter<nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Deleter<rtnl_link_put>>;
using Addr = std::unique_ptr<nl_addr, Deleter<nl_addr_put>>;
using IfAddr = std::unique_ptr<rtnl_addr, Deleter<rtnl_addr_put>>;
using RouteObject = std::unique_ptr<rtnl_route, Deleter<rtnl_route_put>>;
using Cache = std::unique_ptr<nl_cache, Deleter<nl_cache_free>>;

// The device group of everything that is ours ("vsd"): given in the same message that makes a
// device, so there is no moment at which one of ours could be taken for a user's.
inline constexpr unsigned kGroup = 0x767364;

// A socket of this thread's network namespace.
Socket connect();
// Runs `act` in a thread of its own that has entered the namespace `netns`.
void inNamespace(int netns, const std::function<void()>& act);

// Throws for a result below zero: "`what`: libnl's words".
void check(int result, const std::string& what);

// nullptr: there is no such device.
Link find(nl_sock* socket, const std::string& name);
// Throws Failed when there is none: somebody has removed it, and inside that may be the context.
Link get(nl_sock* socket, const std::string& name);
std::vector<Link> findAll(nl_sock* socket);
bool isOurs(rtnl_link* link);
std::string nameOf(rtnl_link* link);

// Carries `changes` out on `link`.
void change(nl_sock* socket, rtnl_link* link, rtnl_link* changes, const std::string& what);
enum class Switch { Up, Down, AsItIs };
void switchLink(nl_sock* socket, const std::string& name, Switch to);
// Removes a device of ours; none, or one of somebody else, is success.
void removeOurs(nl_sock* socket, const std::string& name);

// Held by who changes what contexts share: nobody may remove a network between another's look and
// its link.
std::mutex& networks();

Addr addressOf(const Address& address, int length);
Addr macOf(const std::string& mac);

}  // namespace vs::netfw::nl
