#include "netfw/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vs::netfw {
namespace {

bool hasPeer(const std::vector<Prefix>& peers, const Address& address) {
  return std::any_of(peers.begin(), peers.end(),
                     [&](const Prefix& peer) { return peer.contains(address); });
}

bool fits(const Service& service, const Packet& packet) {
  if (service.protocol != packet.protocol) return false;
  return packet.protocol == Protocol::Icmp ||
         (service.first <= packet.port && packet.port <= service.last);
}

bool fits(const Rule& rule, const Sets& sets, const Packet& packet) {
  if (rule.direction != packet.direction) return false;
  const auto inSet = [&](const std::string& name) { return hasPeer(sets.at(name), packet.peer); };
  if (!hasPeer(rule.peers, packet.peer) && std::none_of(rule.sets.begin(), rule.sets.end(), inSet))
    return false;
  return std::any_of(rule.services.begin(), rule.services.end(),
                     [&](const Service& service) { return fits(service, packet); });
}

}  // namespace

std::string_view nameOf(Action action) { return action == Action::Allow ? "allow" : "deny"; }
std::string_view nameOf(Direction direction) { return direction == Direction::To ? "to" : "from"; }
std::string_view nameOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::Tcp:
      return "tcp";
    case Protocol::Udp:
      return "udp";
    case Protocol::Icmp:
      break;
  }
  return "icmp";
}

Decision decide(const Rules& rules, const Packet& packet) {
  for (const Rule& rule : rules.rules)
    if (fits(rule, rules.sets, packet)) return {rule.action, &rule};
  return {};
}

std::string Decision::text() const {
  if (rule == nullptr) return "denied: no rule fits";
  return fmt::format("{} by {}: {}", action == Action::Allow ? "allowed" : "denied", rule->at,
                     rule->text);
}

}  // namespace vs::netfw
