// What hides the contexts of a network of kind nat behind this host: one nftables table of family
// inet for each such network that has contexts running, loaded in one transaction.
//
//   out   what leaves the network gets this host's address (masquerade)
//   in    the host's own services are out of reach for its contexts
//   on    what others send by this host to the network passes only as an answer, or forwarded
//   pre   ports of this host that lead to contexts; own: for the host itself (not by loopback)
//
// What a context may do at all is said by its own firewall (netfw/ruleset.hpp), on top of this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/network.hpp"
#include "netfw/rules.hpp"
#include "vsd/base/runner.hpp"

namespace vs::netfw {

// A port of this host that leads to a context.
struct Forward {
  Protocol protocol = Protocol::Tcp;
  std::uint16_t hostPort = 0;
  std::uint16_t port = 0;
  Address to;  // IPv4
};
// "tcp:8080:80", or "udp:53" for the same port; without `to`. Throws InvalidParameter.
Forward parseForward(std::string_view text);

// The text that `nft -f -` loads. Pure.
std::string natRulesFor(const Network& network, const std::vector<Forward>& forwards);

// Loads it, and has the kernel forward IPv4 (net.ipv4.ip_forward), which it is not told to stop
// again: others may have come to need it.
void loadNat(const Network& network, const std::vector<Forward>& forwards, Runner& runner);
// True when it is what was loaded and nothing is missing.
bool isNatLoaded(const Network& network, const std::vector<Forward>& forwards, Runner& runner);
// "vsd-net-inner"
std::string natTableName(const std::string& network);
// Absent is success.
void unloadNat(const std::string& network, Runner& runner);

}  // namespace vs::netfw
