#include "vsd/ops/firewall.hpp"

#include "vsd/ops/links.hpp"

namespace vs {

FirewallPicture showFirewall(const Host& host, const std::string& name) {
  const Definition definition = host.contexts.find(name).definition;
  const auto loaded = netfw::readBack(name, host.runner);
  const auto countOf = [&loaded](const std::string& counter) {
    return loaded && loaded->counters.contains(counter) ? loaded->counters.at(counter)
                                                        : netfw::Count{};
  };
  FirewallPicture picture;
  picture.on = definition.firewall == Firewall::On;
  picture.loaded = loaded.has_value();
  for (const netfw::Rule& rule : rulesOf(host, definition).rules)
    picture.rules.push_back({rule.text, countOf(netfw::counterName(picture.rules.size()))});
  picture.denied = countOf("denied");
  picture.spoofed = countOf("spoofed");
  return picture;
}

Verdict testFirewall(const Host& host, const std::string& name, const std::string& packet) {
  const Definition definition = host.contexts.find(name).definition;
  const netfw::Rules rules = rulesOf(host, definition);
  const netfw::Packet first = netfw::parsePacket(packet);
  if (definition.firewall == Firewall::Off) return {true, "allowed: its firewall is off"};
  const netfw::Decision decision = decide(rules, first);
  return {decision.action == netfw::Action::Allow, decision.text()};
}

std::size_t checkRules(const Host& host, const std::string& text, const std::string& file) {
  return rulesIn(host, text, file).rules.size();
}

}  // namespace vs
