// The firewall of a context as its user asks about it; loading it is a matter of its links
// (vsd/ops/links.hpp).
#pragma once

#include <string>
#include <vector>

#include "netfw/nft.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

struct FirewallPicture {
  struct Rule {
    std::string text;
    netfw::Count count;  // what it has decided since it was loaded
  };
  bool on = false;
  bool loaded = false;  // it runs
  std::vector<Rule> rules;
  netfw::Count denied;   // by no rule
  netfw::Count spoofed;  // not from its own addresses
};
FirewallPicture showFirewall(const Host& host, const std::string& name);

struct Verdict {
  bool allowed = false;
  std::string why;  // "denied: no rule fits"
};
// What becomes of the first packet of an exchange: "from 10.1.2.3 to tcp:22".
Verdict testFirewall(const Host& host, const std::string& name, const std::string& packet);

// How many rules a text has, with the sets and groups of this host. Throws InvalidParameter with
// all problems.
std::size_t checkRules(const Host& host, const std::string& text, const std::string& file);

}  // namespace vs
