#include "netfw/ruleset.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

using Words = std::vector<std::string>;

// "{ a, b }"
std::string braced(const Words& words) {
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

const Side kSides[] = {
    {Family::IPv4, "ip", "4", "ipv4_addr", "icmp",
     "{ destination-unreachable, time-exceeded, parameter-problem }", "@th,160,32",
     "destination-unreachable", "ip saddr . ip daddr . ip id . ip protocol",
     "ip frag-off & 0x1fff != 0", "ip frag-off & 0x2000 != 0"},
    {Family::IPv6, "ip6", "6", "ipv6_addr", "icmpv6",
     "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }", "@th,128,128",
     "destination-unreachable", "ip6 saddr . ip6 daddr . frag id", "frag frag-off != 0",
     "frag more-fragments 1"},
};

class Writer {
 public:
  Writer(const std::string& context, const std::vector<LinkPlan>& links, const Rules& rules,
         Filter filter)
      : links_(links), rules_(rules), filter_(filter) {
    ruleset_.context = context;
  }

  Ruleset write() {
    const std::string table = "netdev " + tableName(ruleset_.context);
    // Made before it is removed, so that there is always one to remove: all in one transaction.
    line("add table {}", table);
    line("delete table {}", table);
    line("table {} {{", table);
    writeCounters();
    for (const Side& side : kSides) writeSets(side);
    chain("denied");
    rule("counter name \"denied\"");
    rule("limit rate 5/second burst 10 packets log prefix \"vsd {} denied: \"", ruleset_.context);
    rule("drop");
    end();
    chain("spoofed");
    rule("counter name \"spoofed\"");
    rule("limit rate 5/second burst 10 packets log prefix \"vsd {} spoofed: \"", ruleset_.context);
    rule("drop");
    end();
    for (const Side& side : kSides) {
      writeMemory(side);
      writeRules(side, Direction::To);
      writeRules(side, Direction::From);
    }
    for (std::size_t i = 0; i < links_.size(); ++i)
      if (!links_[i].hostEnd.empty()) writeLink(links_[i], i);
    line("}}");
    return std::move(ruleset_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    ruleset_.text += fmt::format(text, std::forward<Args>(args)...) + "\n";
  }
  void chain(const std::string& name) {
    chain_ = name;
    ruleset_.rules[name] = 0;
    line("  chain {} {{", name);
  }
  template <typename... Args>
  void rule(fmt::format_string<Args...> text, Args&&... args) {
    ++ruleset_.rules[chain_];
    ruleset_.text += "    " + fmt::format(text, std::forward<Args>(args)...) + "\n";
  }
  void end() { line("  }}"); }

  void writeCounters() {
    line("  counter denied {{ }}");
    line("  counter spoofed {{ }}");
    for (std::size_t i = 0; i < rules_.rules.size(); ++i)
      line("  counter {} {{ }}", counterName(i));
  }

  void writeSets(const Side& side) {
    const auto remembered = [&](const std::string& name, const std::string& kind, int size) {
      line("  set {}{} {{", name, side.suffix);
      line("    {}", kind);
      line("    flags dynamic,timeout");
      line("    size {}", size);
      line("    timeout 3m");
      line("  }}");
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
      line("  set {}{} {{", setName(name), side.suffix);
      line("    type {}", side.type);
      line("    flags interval");
      line("    auto-merge");
      line("    elements = {}", braced(own));
      line("  }}");
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
    chain("sent" + s);
    rule("{} {}", side.moreFragments, fragments);
    rule("tcp flags & (fin | rst) != 0 update @closing{} {{ {} timeout 2m }}", s, sent);
    rule(
        "tcp flags & (fin | syn | rst) == 0 {} != @closing{} update @flows{} {{ {} timeout 2h4m }} "
        "accept",
        sent, s, s, sent);
    rule("meta l4proto tcp update @flows{} {{ {} timeout 2m }} accept", s, sent);
    rule("update @flows{} {{ {} timeout 3m }} accept", s, sent);
    rule("accept");
    end();
    // Only the context itself makes an entry last: what comes may be forged.
    chain("got" + s);
    rule("{} {}", side.moreFragments, fragments);
    rule("meta l4proto udp update @askers{} {{ {} saddr timeout 10s }}", s, side.ip);
    rule("meta l4proto tcp update @flows{} {{ {} timeout 2m }} accept", s, got);
    rule("update @flows{} {{ {} timeout 3m }} accept", s, got);
    rule("accept");
    end();
    chain("answered" + s);
    rule("{} {}", side.moreFragments, fragments);
    rule("tcp flags & (fin | rst) != 0 update @closing{} {{ {} timeout 2m }}", s, got);
    rule("accept");
    end();
    for (const Direction direction : {Direction::To, Direction::From}) {
      chain(echoChain(side, direction));
      rule("{} {}", side.moreFragments, fragments);
      rule("update @echoes{} {{ {} timeout 30s }} accept", s, echo(side, Asks::Yes));
      rule("accept");
      end();
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
  void writeRules(const Side& side, Direction direction) {
    const bool isTo = direction == Direction::To;
    const std::string& s = side.suffix;
    chain(std::string(nameOf(direction)) + s);
    rule("{} {} @fragments{} accept", side.laterFragment, side.fragment, s);
    rule("{} @flows{} goto {}{}", flow(side, direction), s, isTo ? "sent" : "answered", s);
    rule("{} type echo-reply {} @echoes{} accept", side.icmp, echo(side, Asks::No), s);
    if (isTo) rule("{} type {} {} daddr @askers{} accept", side.icmp, side.unreachable, side.ip, s);
    for (std::size_t i = 0; i < rules_.rules.size(); ++i)
      if (rules_.rules[i].direction == direction) writeRule(side, rules_.rules[i], i);
    rule("goto denied");
    end();
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
        this->rule("{} {} counter name \"{}\" goto {}", peer, service, counterName(index), verdict);
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

  static Words own(const LinkPlan& link, Family family) {
    Words words;
    for (const AddressWithLength& address : link.addresses)
      if (address.address.family() == family) words.push_back(address.address.text());
    return words;
  }

  void writeLink(const LinkPlan& link, std::size_t index) {
    ruleset_.devices.push_back(link.hostEnd);
    const Words own4 = own(link, Family::IPv4);
    Words own6 = own(link, Family::IPv6);
    const std::string local = linkLocalOf(link.mac).text();
    if (!own6.empty()) own6.push_back(local);
    const bool isFiltered = filter_ == Filter::On;

    chain(fmt::format("arp-of{}", index));
    if (!own4.empty()) {
      // A probe has no address yet (RFC 5227).
      Words senders = own4;
      senders.push_back("0.0.0.0");
      rule(
          "arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp operation {{ request, reply }} arp "
          "saddr ether {} arp saddr ip {} accept",
          link.mac, braced(senders));
    }
    rule("goto spoofed");
    end();

    chain(fmt::format("ip4-of{}", index));
    if (!own4.empty()) {
      rule("ip saddr != {} goto spoofed", braced(own4));
      rule("udp sport 67 goto spoofed");
      rule("{}", isFiltered ? "goto to4" : "accept");
    } else {
      rule("goto spoofed");
    }
    end();

    chain(fmt::format("ip6-of{}", index));
    if (!own6.empty()) writeNeighbours(own6);
    if (!own6.empty()) {
      rule("ip6 saddr != {} goto spoofed", braced(own6));
      rule("udp sport 547 goto spoofed");
      rule("icmpv6 type {{ nd-router-advert, nd-redirect, nd-neighbor-advert }} goto spoofed");
      rule("{}", isFiltered ? "goto to6" : "accept");
    } else {
      rule("goto spoofed");
    }
    end();

    chain(fmt::format("of{}", index));
    line("    type filter hook ingress device \"{}\" priority 0; policy drop;", link.hostEnd);
    rule("ether saddr != {} goto spoofed", link.mac);
    // By the type in the frame, which of a tagged one is that of the tag.
    rule("ether type vmap {{ arp : goto arp-of{0}, ip : goto ip4-of{0}, ip6 : goto ip6-of{0} }}",
         index);
    rule("goto spoofed");
    end();

    chain(fmt::format("for4-{}", index));
    if (!own4.empty()) {
      // What is for everybody is not for a context, and no news.
      rule("ip daddr != {} drop", braced(own4));
      rule("icmp type {} {} {} accept", kSides[0].errors, kSides[0].quoted, quoted(own4));
      rule("{}", isFiltered ? "goto from4" : "accept");
    } else {
      rule("drop");
    }
    end();

    chain(fmt::format("for6-{}", index));
    if (!own6.empty()) {
      rule("icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query }} accept");
      rule("ip6 daddr != {} drop", braced(own6));
      rule("icmpv6 type {} {} {} accept", kSides[1].errors, kSides[1].quoted, quoted(own6));
      rule("icmpv6 type {{ nd-router-advert, nd-redirect }} drop");
      rule("{}", isFiltered ? "goto from6" : "accept");
    } else {
      rule("drop");
    }
    end();

    chain(fmt::format("for{}", index));
    line("    type filter hook egress device \"{}\" priority 0; policy drop;", link.hostEnd);
    rule("meta protocol vmap {{ arp : accept, ip : goto for4-{0}, ip6 : goto for6-{0} }}", index);
    end();
  }

  // What a context may say about addresses: its own, at its own MAC address.
  void writeNeighbours(const Words& own6) {
    Words asking = own6;
    asking.push_back("::");
    rule("icmpv6 type nd-neighbor-solicit ip6 hoplimit 255 ip6 saddr {} accept", braced(asking));
    rule("icmpv6 type nd-neighbor-advert ip6 hoplimit 255 ip6 saddr {} @th,64,128 {} accept",
         braced(own6), quoted(own6));
    rule(
        "icmpv6 type {{ mld-listener-report, mld-listener-done, mld2-listener-report }} ip6 saddr "
        "{} accept",
        braced(asking));
  }

  // Addresses as numbers, for bytes that have no name.
  static std::string quoted(const Words& addresses) {
    Words numbers;
    for (const std::string& address : addresses)
      numbers.push_back("0x" + Address::parse(address)->hex());
    return braced(numbers);
  }

  const std::vector<LinkPlan>& links_;
  const Rules& rules_;
  Filter filter_;
  Ruleset ruleset_;
  std::string chain_;
};

}  // namespace

Ruleset rulesetFor(const std::string& context, const std::vector<LinkPlan>& links,
                   const Rules& rules, Filter filter) {
  for (const LinkPlan& link : links)
    if (link.hostEnd.empty() && filter == Filter::On)
      throw Error(
          Kind::Unsupported,
          fmt::format("the firewall of context '{}' cannot see its {} link '{}': that has no "
                      "end on this host",
                      context, nameOf(link.mode), link.name))
          .withHint("use --link bridge, or switch its firewall off");
  return Writer(context, links, rules, filter).write();
}

std::string tableName(const std::string& context) { return "vsd-" + context; }
std::string counterName(std::size_t index) { return fmt::format("rule{}", index + 1); }

Address linkLocalOf(const std::string& mac) {
  std::uint8_t bytes[16] = {0xfe, 0x80};
  std::uint8_t octets[6] = {};
  for (std::size_t i = 0; i < 6 && mac.size() == 17; ++i)
    octets[i] = static_cast<std::uint8_t>(std::stoul(mac.substr(3 * i, 2), nullptr, 16));
  bytes[8] = octets[0] ^ 2;
  bytes[9] = octets[1];
  bytes[10] = octets[2];
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  std::copy(octets + 3, octets + 6, bytes + 13);
  return Address::fromBytes(Family::IPv6, bytes);
}

}  // namespace vs::netfw
