// Carries a link plan out and takes it back, through netlink (libnl), without a command. In a
// start:
//
//   const LinkPlan link = planLink(wish, network, trunk);
//   apply(link, netns);
//   undo.add("remove the links", [name] { netfw::remove(name); });
//   load(rulesetFor(link, rules), runner);      (netfw/nft.hpp; undo: unload)
//   plug(link, netns);
//
// Everything made here on the host bears the device group "vsd" from its first moment on; nothing
// else is ever changed or removed. Calls of several threads wait for each other.
#pragma once

#include <string>
#include <vector>

#include "netfw/links.hpp"

namespace vs::netfw {

// Makes what is not there yet of the network's VLAN and bridge, the link into the network namespace
// `netns` (a descriptor of it), its addresses (IPv6 without duplicate address detection: usable at
// once), and routes; router advertisements are not listened to. A new veth pair is not on the wire
// before plug(): rules can be loaded, and a move can wait. What is there already and right
// stays as it is, so this also repairs. On an error what this call made is removed again.
// Throws NotFound for a missing trunk, Exists for a device of that name that is not ours,
// Unsupported for what this kernel cannot do.
void apply(const LinkPlan& plan, int netns);

// Lets the link receive no more than its plan says, or without a limit: a token bucket on the
// host's end (tc-tbf(8)). What it sends is the ruleset's to limit. apply() does it too.
void shape(const LinkPlan& plan);

// Puts the host's end of the pair on the wire, and returns when the kernel passes packets: it gets
// there a little later by itself, and what is lost until then comes again after a second only. A
// link without an end on the host is on the wire as soon as it is there.
void plug(const LinkPlan& plan, int netns);
// Takes it off the wire: for a move's last moments.
void unplug(const LinkPlan& plan);

// Gives the context the routes of its plan, or takes them away: what lies on the link is reached
// all the same. apply() gives them.
enum class Routes { On, Off };
void switchRoutes(const LinkPlan& plan, int netns, Routes to);

// The loopback link of a namespace that was made without.
void bringUpLoopback(int netns);

// Removes all links of a context from this host, and VLAN and bridge of networks that have no
// context left. Nothing there is success. A macvlan or ipvlan link goes with its namespace; the
// VLAN below stays until removeNetwork().
void remove(const std::string& context);
// Removes VLAN and bridge of a network; throws Busy when a context is still linked to the bridge.
void removeNetwork(const std::string& network, const std::string& vlanDevice);

// Removes one device of ours; none, or one of somebody else, is success.
void removeDevice(const std::string& name);

// Names of all devices on this host that are ours, sorted.
std::vector<std::string> ourDevices();

}  // namespace vs::netfw
