// The firewall of a context, in the words of vs-tools:
//
//   allow to 10.9.53.27,10.7.21.12 to udp:53      # the context may ask these
//   allow from 0/0 to tcp:80,443                  # everybody may ask the context
//   set admins = 10.1.0.0/16, 2001:db8:1::/48
//   group web = tcp:80, tcp:443, udp:443
//   deny from 10.1.66.0/24
//   allow from @admins to @web, tcp:22, icmp
//
//   line     = [ "enable" | set | group | rule ] [ "#" comment ]
//   set      = "set" NAME "=" peers
//   group    = "group" NAME "=" services
//   rule     = ("allow" | "deny") ("to" | "from") peers [ "to" services ]
//   peers    = "any" | peer { "," peer }         peer    = ADDRESS | PREFIX | "@" NAME
//   services = "any" | service { "," service }   service = PROTOCOL [ ":" PORTS ] | PORTS | "@"
//   NAME PROTOCOL = "tcp" | "udp" | "icmp"            PORTS   = N | N "-" N
//
// The first rule that fits decides; what no rule fits is denied. Answers to what was allowed pass
// by themselves, and so do ICMP errors about it. The context's own addresses are meant without
// being named. "icmp" is the echo request of either family; other protocols never pass. PORTS
// without a protocol continue the one before. "0/0" is all of IPv4 and nothing of IPv6; "any" is
// both. "enable" is what a vs-tools file begins with, and says nothing here: a firewall is always
// on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/address.hpp"

namespace vs::netfw {

enum class Action { Allow, Deny };
enum class Direction { To, From };  // as the context sees it: it asks, it is asked
enum class Protocol { Tcp, Udp, Icmp };
std::string_view nameOf(Action action);        // "allow", "deny"
std::string_view nameOf(Direction direction);  // "to", "from"
std::string_view nameOf(Protocol protocol);    // "tcp", "udp", "icmp"

struct Service {
  Protocol protocol = Protocol::Tcp;
  std::uint16_t first = 0;  // ports; all of them is 0 to 65535, and so it is for icmp
  std::uint16_t last = 65'535;
  bool operator==(const Service&) const = default;
};

struct Rule {
  Action action = Action::Allow;
  Direction direction = Direction::To;
  std::vector<Prefix> peers;
  std::vector<std::string> sets;  // names of more peers, in Rules::sets
  std::vector<Service> services;
  std::string text;  // as it was written, without the comment
  std::string at;    // "FILE:LINE"
  bool operator==(const Rule&) const = default;
};

using Sets = std::map<std::string, std::vector<Prefix>>;
using Groups = std::map<std::string, std::vector<Service>>;

struct Rules {
  std::vector<Rule> rules;
  Sets sets;  // all that are named by a rule
  bool operator==(const Rules&) const = default;
};

// What contexts share. A file's own definitions of the same name are an error.
struct Definitions {
  Sets sets;
  Groups groups;
};

inline constexpr std::size_t kMostRules = 4096;

// Throws InvalidParameter with every problem as "FILE:LINE:COLUMN: ..." in its blockers. A set or a
// group is defined above its use.
Rules parseRules(std::string_view text, const std::string& file, const Definitions& shared = {});
// The sets and groups of a file that has nothing else.
Definitions parseDefinitions(std::string_view text, const std::string& file);

// The first packet of an exchange, as it is asked about.
struct Packet {
  Direction direction = Direction::To;
  Address peer;
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;  // the one that is asked: the peer's for To, the context's for From
};
// "from 10.1.2.3 to tcp:22", "to 10.9.53.27 to udp:53", "from 10.1.2.3 to icmp". Throws
// InvalidParameter.
Packet parsePacket(std::string_view text);

struct Decision {
  Action action = Action::Deny;
  const Rule* rule = nullptr;  // nullptr: no rule fits, so it is denied
  // "allowed by web1.fw:3: allow from 0/0 to tcp:80", "denied: no rule fits"
  std::string text() const;
};
// What the loaded ruleset does with such a packet. The decision points into `rules`.
Decision decide(const Rules& rules, const Packet& packet);

}  // namespace vs::netfw
