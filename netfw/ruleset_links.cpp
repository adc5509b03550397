#include "netfw/ruleset_text.hpp"

namespace vs::netfw {
namespace {

class LinkWriter {
 public:
  LinkWriter(RulesetText& text, const LinkPlan& link, std::size_t index, Filter filter)
      : text_(text),
        link_(link),
        index_(index),
        filter_(filter),
        own4_(addressesOf(link, Family::IPv4)),
        own6_(addressesOf(link, Family::IPv6)) {
    if (!own6_.empty()) own6_.push_back(linkLocalOf(link.mac).text());
  }

  void write() {
    writeArpOf();
    writeIPv4Of();
    writeIPv6Of();
    text_.hook(fmt::format("of{}", index_), "ingress", link_.hostEnd);
    text_.rule("ether saddr != {} goto spoofed", link_.mac);
    if (const std::uint64_t rate = link_.shape.out; rate != 0)
      text_.rule("limit rate over {} bytes/second burst {} bytes counter name \"{}\" drop",
                 rate / 8, link_.shape.burstFor(rate), kLimited);
    // By the type in the frame, which of a tagged one is that of the tag.
    text_.rule(
        "ether type vmap {{ arp : goto arp-of{0}, ip : goto ip4-of{0}, ip6 : goto ip6-of{0} }}",
        index_);
    text_.rule("goto spoofed");
    text_.end();

    writeIPv4For();
    writeIPv6For();
    text_.hook(fmt::format("for{}", index_), "egress", link_.hostEnd);
    text_.rule("meta protocol vmap {{ arp : accept, ip : goto for4-{0}, ip6 : goto for6-{0} }}",
               index_);
    text_.end();
  }

 private:
  void writeArpOf() {
    text_.chain(fmt::format("arp-of{}", index_));
    if (!own4_.empty()) {
      // A probe has no address yet (RFC 5227).
      Words senders = own4_;
      senders.push_back("0.0.0.0");
      text_.rule(
          "arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp operation {{ request, reply }} arp "
          "saddr ether {} arp saddr ip {} accept",
          link_.mac, braced(senders));
    }
    text_.rule("goto spoofed");
    text_.end();
  }

  void writeIPv4Of() {
    text_.chain(fmt::format("ip4-of{}", index_));
    if (!own4_.empty()) {
      text_.rule("ip saddr != {} goto spoofed", braced(own4_));
      text_.rule("udp sport 67 goto spoofed");
    }
    finish(own4_, "goto to4", "goto spoofed");
  }

  void writeIPv6Of() {
    text_.chain(fmt::format("ip6-of{}", index_));
    if (!own6_.empty()) {
      writeNeighbours();
      text_.rule("ip6 saddr != {} goto spoofed", braced(own6_));
      text_.rule("udp sport 547 goto spoofed");
      text_.rule(
          "icmpv6 type {{ nd-router-advert, nd-redirect, nd-neighbor-advert }} goto spoofed");
    }
    finish(own6_, "goto to6", "goto spoofed");
  }

  // What a context may say about addresses: its own, at its own MAC address.
  void writeNeighbours() {
    Words asking = own6_;
    asking.push_back("::");
    text_.rule("icmpv6 type nd-neighbor-solicit ip6 hoplimit 255 ip6 saddr {} accept",
               braced(asking));
    text_.rule("icmpv6 type nd-neighbor-advert ip6 hoplimit 255 ip6 saddr {} @th,64,128 {} accept",
               braced(own6_), quoted(own6_));
    text_.rule(
        "icmpv6 type {{ mld-listener-report, mld-listener-done, mld2-listener-report }} ip6 saddr "
        "{} accept",
        braced(asking));
  }

  void writeIPv4For() {
    text_.chain(fmt::format("for4-{}", index_));
    if (!own4_.empty()) {
      // What is for everybody is not for a context, and no news.
      text_.rule("ip daddr != {} drop", braced(own4_));
      text_.rule("icmp type {} {} {} accept", kSides[0].errors, kSides[0].quoted, quoted(own4_));
    }
    finish(own4_, "goto from4", "drop");
  }

  void writeIPv6For() {
    text_.chain(fmt::format("for6-{}", index_));
    if (!own6_.empty()) {
      text_.rule(
          "icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query }} accept");
      text_.rule("ip6 daddr != {} drop", braced(own6_));
      text_.rule("icmpv6 type {} {} {} accept", kSides[1].errors, kSides[1].quoted, quoted(own6_));
      text_.rule("icmpv6 type {{ nd-router-advert, nd-redirect }} drop");
    }
    finish(own6_, "goto from6", "drop");
  }

  // What has got this far is the context's own: the rules decide, if they are on. A family of which
  // it has no address has nothing to say.
  void finish(const Words& own, std::string_view rules, std::string_view none) {
    text_.rule("{}", own.empty() ? none : filter_ == Filter::On ? rules : "accept");
    text_.end();
  }

  static Words addressesOf(const LinkPlan& link, Family family) {
    Words words;
    for (const AddressWithLength& address : link.addresses)
      if (address.address.family() == family) words.push_back(address.address.text());
    return words;
  }

  // Addresses as numbers, for bytes that have no name.
  static std::string quoted(const Words& addresses) {
    Words numbers;
    for (const std::string& address : addresses)
      numbers.push_back("0x" + Address::parse(address)->hex());
    return braced(numbers);
  }

  RulesetText& text_;
  const LinkPlan& link_;
  std::size_t index_;
  Filter filter_;
  Words own4_;
  Words own6_;
};

}  // namespace

void writeLink(RulesetText& text, const LinkPlan& link, std::size_t index, Filter filter) {
  LinkWriter(text, link, index, filter).write();
}

}  // namespace vs::netfw
