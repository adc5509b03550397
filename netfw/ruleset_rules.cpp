#include <algorithm>

#include "netfw/ruleset_text.hpp"

namespace vs::netfw {
namespace {

class RulesWriter {
 public:
  RulesWriter(RulesetText& text, const Rules& rules) : text_(text), rules_(rules) {}

  void write() {
    writeCounters();
    for (const Side& side : kSides) writeSets(side);
    for (const char* end : {"denied", "spoofed"}) {
      text_.chain(end);
      text_.rule("counter name \"{}\"", end);
      text_.rule("limit rate 5/second burst 10 packets log prefix \"vsd {} {}: \"",
                 text_.ruleset.context, end);
      text_.rule("drop");
      text_.end();
    }
    for (const Side& side : kSides) {
      writeMemory(side);
      writeChain(side, Direction::To);
      writeChain(side, Direction::From);
    }
  }

 private:
  void writeCounters() {
    text_.line("  counter denied {{ }}");
    text_.line("  counter spoofed {{ }}");
    for (std::size_t i = 0; i < rules_.rules.size(); ++i)
      text_.line("  counter {} {{ }}", counterName(i));
  }

  void writeSets(const Side& side) {
    const auto remembered = [&](const std::string& name, const std::string& kind, int size) {
      text_.line("  set {}{} {{", name, side.suffix);
      text_.line("    {}", kind);
      text_.line("    flags dynamic,timeout");
      text_.line("    size {}", size);
      text_.line("    timeout 3m");
      text_.line("  }}");
    };
    const std::string flow =
        fmt::format("type {0} . inet_proto . inet_service . {0} . inet_service", side.type);
    remembered("flows", flow, 65'536);
    remembered("closing", flow, 65'536);
    remembered("echoes", fmt::format("typeof {0} saddr . {1} id . {0} daddr", side.ip, side.icmp),
               4096);
    remembered("askers", "type " + side.type, 4096);
    remembered("fragments", "typeof " + side.fragment, 4096);
    for (const auto& [name, peers] : rules_.sets) {
      const Words own = peersOf(side, peers);
      if (own.empty()) continue;
      text_.line("  set {}{} {{", setName(name), side.suffix);
      text_.line("    type {}", side.type);
      text_.line("    flags interval");
      text_.line("    elements = {}", braced(own));
      text_.line("  }}");
    }
  }

  // What is allowed is remembered, so that what belongs to it passes too. A set that is full takes
  // no more, which ends its rule: the packet passes by the last one, its answers will not.
  void writeMemory(const Side& side) {
    const std::string& s = side.suffix;
    const std::string sent = flow(side, Direction::To);
    const std::string got = flow(side, Direction::From);
    const std::string fragments =
        fmt::format("update @fragments{} {{ {} timeout 30s }}", s, side.fragment);
    text_.chain("sent" + s);
    text_.rule("{} {}", side.moreFragments, fragments);
    text_.rule("tcp flags & (fin | rst) != 0 update @closing{} {{ {} timeout 2m }}", s, sent);
    text_.rule(
        "tcp flags & (fin | syn | rst) == 0 {} != @closing{} update @flows{} {{ {} timeout 2h4m }} "
        "accept",
        sent, s, s, sent);
    text_.rule("meta l4proto tcp update @flows{} {{ {} timeout 2m }} accept", s, sent);
    text_.rule("update @flows{} {{ {} timeout 3m }} accept", s, sent);
    text_.rule("accept");
    text_.end();
    // Only the context itself makes an entry last: what comes may be forged.
    text_.chain("got" + s);
    text_.rule("{} {}", side.moreFragments, fragments);
    text_.rule("meta l4proto udp update @askers{} {{ {} saddr timeout 10s }}", s, side.ip);
    text_.rule("meta l4proto tcp update @flows{} {{ {} timeout 2m }} accept", s, got);
    text_.rule("update @flows{} {{ {} timeout 3m }} accept", s, got);
    text_.rule("accept");
    text_.end();
    text_.chain("answered" + s);
    text_.rule("{} {}", side.moreFragments, fragments);
    text_.rule("tcp flags & (fin | rst) != 0 update @closing{} {{ {} timeout 2m }}", s, got);
    text_.rule("accept");
    text_.end();
    for (const Direction direction : {Direction::To, Direction::From}) {
      text_.chain(echoChain(side, direction));
      text_.rule("{} {}", side.moreFragments, fragments);
      text_.rule("update @echoes{} {{ {} timeout 30s }} accept", s, echo(side, Asks::Yes));
      text_.rule("accept");
      text_.end();
    }
  }

  // The peer first, whoever sends.
  static std::string flow(const Side& side, Direction direction) {
    if (direction == Direction::To)
      return fmt::format("{0} daddr . meta l4proto . th dport . {0} saddr . th sport", side.ip);
    return fmt::format("{0} saddr . meta l4proto . th sport . {0} daddr . th dport", side.ip);
  }
  // Of a request the one who asks first, of a reply the one who is told.
  enum class Asks { Yes, No };
  static std::string echo(const Side& side, Asks asks) {
    return asks == Asks::Yes ? fmt::format("{0} saddr . {1} id . {0} daddr", side.ip, side.icmp)
                             : fmt::format("{0} daddr . {1} id . {0} saddr", side.ip, side.icmp);
  }
  static std::string echoChain(const Side& side, Direction direction) {
    return (direction == Direction::To ? "sent-echo" : "got-echo") + side.suffix;
  }

  // "to4", "from4": what a context may begin, and what may begin with it.
  void writeChain(const Side& side, Direction direction) {
    const bool isTo = direction == Direction::To;
    const std::string& s = side.suffix;
    text_.chain(std::string(nameOf(direction)) + s);
    text_.rule("{} {} @fragments{} accept", side.laterFragment, side.fragment, s);
    text_.rule("{} @flows{} goto {}{}", flow(side, direction), s, isTo ? "sent" : "answered", s);
    text_.rule("{} type echo-reply {} @echoes{} accept", side.icmp, echo(side, Asks::No), s);
    if (isTo)
      text_.rule("{} type {} {} daddr @askers{} accept", side.icmp, side.unreachable, side.ip, s);
    for (std::size_t i = 0; i < rules_.rules.size(); ++i)
      if (rules_.rules[i].direction == direction) writeRule(side, rules_.rules[i], i);
    text_.rule("goto denied");
    text_.end();
  }

  void writeRule(const Side& side, const Rule& rule, std::size_t index) {
    const std::string field = side.ip + (rule.direction == Direction::To ? " daddr " : " saddr ");
    Words peers;
    if (const Words own = peersOf(side, rule.peers); !own.empty())
      peers.push_back(field + mergedSet(own));
    for (const std::string& name : rule.sets)
      if (!peersOf(side, rules_.sets.at(name)).empty())
        peers.push_back(fmt::format("{}@{}{}", field, setName(name), side.suffix));
    for (const std::string& peer : peers)
      for (const std::string& service : servicesOf(side, rule)) {
        const bool isEcho = service.find("echo-request") != std::string::npos;
        const std::string verdict =
            rule.action == Action::Deny ? std::string("denied")
            : isEcho                    ? echoChain(side, rule.direction)
                     : (rule.direction == Direction::To ? "sent" : "got") + side.suffix;
        text_.rule("{} {} counter name \"{}\" goto {}", peer, service, counterName(index), verdict);
      }
  }

  static std::string mergedSet(const Words& own) { return own.size() == 1 ? own[0] : braced(own); }

  // Those of the side's family. One within another is left away: nft refuses elements that overlap.
  static Words peersOf(const Side& side, const std::vector<Prefix>& peers) {
    std::vector<Prefix> own;
    for (const Prefix& peer : peers)
      if (peer.family() == side.family) own.push_back(peer);
    std::sort(own.begin(), own.end());
    Words words;
    const Prefix* last = nullptr;
    for (const Prefix& peer : own) {
      if (last != nullptr && last->contains(peer.address()) && last->length() <= peer.length())
        continue;
      last = &peer;
      words.push_back(peer.length() == peer.address().bits() ? peer.address().text() : peer.text());
    }
    return words;
  }

  static Words servicesOf(const Side& side, const Rule& rule) {
    Words services;
    for (const Protocol protocol : {Protocol::Tcp, Protocol::Udp}) {
      std::vector<std::pair<int, int>> ranges;
      for (const Service& service : rule.services)
        if (service.protocol == protocol) ranges.emplace_back(service.first, service.last);
      if (ranges.empty()) continue;
      services.push_back(fmt::format("{} dport {}", nameOf(protocol), ports(std::move(ranges))));
    }
    if (std::any_of(rule.services.begin(), rule.services.end(),
                    [](const Service& service) { return service.protocol == Protocol::Icmp; }))
      services.push_back(side.icmp + " type echo-request");
    return services;
  }

  static std::string ports(std::vector<std::pair<int, int>> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<std::pair<int, int>> merged;
    for (const auto& range : ranges) {
      if (!merged.empty() && range.first <= merged.back().second + 1)
        merged.back().second = std::max(merged.back().second, range.second);
      else
        merged.push_back(range);
    }
    Words words;
    for (const auto& [first, last] : merged)
      words.push_back(first == last ? std::to_string(first) : fmt::format("{}-{}", first, last));
    return mergedSet(words);
  }

  static std::string setName(const std::string& name) { return "set-" + name + "-"; }

  RulesetText& text_;
  const Rules& rules_;
};

}  // namespace

const Side kSides[2] = {
    {Family::IPv4, "ip", "4", "ipv4_addr", "icmp",
     "{ destination-unreachable, time-exceeded, parameter-problem }", "@th,160,32",
     "destination-unreachable", "ip saddr . ip daddr . ip id . ip protocol",
     "ip frag-off & 0x1fff != 0", "ip frag-off & 0x2000 != 0"},
    {Family::IPv6, "ip6", "6", "ipv6_addr", "icmpv6",
     "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }", "@th,128,128",
     "destination-unreachable", "ip6 saddr . ip6 daddr . frag id", "frag frag-off != 0",
     "frag more-fragments 1"},
};

void writeRules(RulesetText& text, const Rules& rules) { RulesWriter(text, rules).write(); }

}  // namespace vs::netfw
