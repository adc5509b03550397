// A context's links and rules as the text that `nft -f -` loads: one table of family netdev, named
// after the context, whose hooks are on the host's ends of its links and nowhere else:
//
//   context ── eth0 ═══ vs0-web1 ─ ingress ─► bridge, other contexts, the wire, the host
//                                ◄─ egress ──
//
// So a packet meets the rules of the contexts it comes from and goes to, and of no other, however
// many there are; contexts on one bridge are held apart; the host is out of reach unless a rule
// names it; a user's own rules are never met. It needs neither the kernel's connection tracking nor
// br_netfilter.
//
// What answers what is remembered per context, in sets of bounded size: who fills them harms
// himself only. Entries last as long as an exchange usually does (RFC 5382, RFC 4787).
//
// Always refused, whatever the rules say: frames with another MAC address, IPv4, IPv6, ARP and
// neighbour messages about addresses that the context was not given, tagged frames, router
// advertisements, redirects, answers of a DHCP server.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/links.hpp"
#include "netfw/rules.hpp"

namespace vs::netfw {

enum class Filter {
  On,
  Off,  // `--fw down`: everything passes that the context may send as itself
};

struct Ruleset {
  std::string context;
  // With a counter that counts nothing and is named after the rest: by it a table says what was
  // loaded.
  std::string text;
  std::string mark;  // that counter
  // What is there when it is loaded: how many rules each chain has, and the devices of hooks.
  std::map<std::string, int> rules;
  std::map<std::string, std::vector<std::string>> hooks;
};

// `links` are all of one context. Throws Unsupported when a link has no end on the host (macvlan,
// ipvlan) and there is something to filter.
Ruleset rulesetFor(const std::string& context, const std::vector<LinkPlan>& links,
                   const Rules& rules, Filter filter = Filter::On);

// "vsd-web1"
std::string tableName(const std::string& context);
// The name of the counter of rules.rules[index]: "rule1" for the first. Beside them are "denied"
// and "spoofed", and kLimited where what a link sends is limited.
std::string counterName(std::size_t index);
inline constexpr std::string_view kLimited = "limited";
// The name of a counter by which a table says what was loaded: the same for the same text only.
std::string textMark(const std::string& text);
// Whether a set of the table remembers what was allowed; others are those that rules name.
bool isMemory(const std::string& set);
// The address that a kernel makes of a MAC address for itself (RFC 4291, appendix A).
Address linkLocalOf(const std::string& mac);

}  // namespace vs::netfw
