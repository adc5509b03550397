// The text of a ruleset while it is written, for this folder's own sources: lines, chains, and the
// words in which nft tells the two families apart.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "netfw/ruleset.hpp"

namespace vs::netfw {

using Words = std::vector<std::string>;
// "{ a, b }"
inline std::string braced(const Words& words) {
  std::string text = "{ ";
  for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : ", ") + words[i];
  return text + " }";
}

// What differs between the families, in nft's words.
struct Side {
  Family family;
  std::string ip;      // "ip"
  std::string suffix;  // "4"
  std::string type;    // of an address
  std::string icmp;
  std::string errors;       // ICMP about what the context sent
  std::string quoted;       // where such an error quotes the source address
  std::string unreachable;  // the only one that a context may send itself
  std::string fragment;     // what a fragment is recognised by
  std::string laterFragment;
  std::string moreFragments;
};

extern const Side kSides[2];  // IPv4, IPv6

class RulesetText {
 public:
  explicit RulesetText(const std::string& context) { ruleset.context = context; }

  template <typename... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    ruleset.text += fmt::format(text, std::forward<Args>(args)...) + "\n";
  }
  void chain(const std::string& name) {
    chain_ = name;
    ruleset.rules[name] = 0;
    line("  chain {} {{", name);
  }
  // A chain that every packet on one way of `device` meets.
  void hook(const std::string& name, std::string_view way, const std::string& device) {
    chain(name);
    ruleset.hooks[name] = {device};
    line("    type filter hook {} device \"{}\" priority 0; policy drop;", way, device);
  }
  template <typename... Args>
  void rule(fmt::format_string<Args...> text, Args&&... args) {
    ++ruleset.rules[chain_];
    ruleset.text += "    " + fmt::format(text, std::forward<Args>(args)...) + "\n";
  }
  void end() { line("  }}"); }

  Ruleset ruleset;

 private:
  std::string chain_;
};

// Sets and counters, what is remembered, and the chains "to4", "from4", "to6", "from6" in which the
// rules stand (ruleset_rules.cpp).
void writeRules(RulesetText& text, const Rules& rules);
// The hooks of one link: what it may send as itself, and what is for it (ruleset_links.cpp).
void writeLink(RulesetText& text, const LinkPlan& link, std::size_t index, Filter filter);

}  // namespace vs::netfw
