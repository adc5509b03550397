// Rules through the real kernel: what passes and what does not, between two contexts on one bridge.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>

#include <random>

#include "netfw/netlink.hpp"
#include "netfw/nft.hpp"
#include "tests/root/netfw/world.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::netfw::test {
namespace {

class Firewall : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    web_ = makeContext("web1", 17);
    db_ = makeContext("db1", 18);
  }
  void loadRules(const Context& context, const std::string& rules, Filter filter = Filter::On) {
    load(rulesetFor(context.name, {context.link}, parseRules(rules, "fw"), filter), runner_);
  }
  std::uint64_t counted(const Context& context, const std::string& counter) {
    return readBack(context.name, runner_).value().counters.at(counter).packets;
  }

  Context web_;
  Context db_;
};

TEST_F(Firewall, DeniesWhatNoRuleAllows) {
  loadRules(web_, "");
  for (const Family family : {Family::IPv4, Family::IPv6}) {
    EXPECT_FALSE(canUdp(web_, db_, 53, family));
    EXPECT_FALSE(canTcp(web_, db_, 53, family));
    EXPECT_FALSE(canPing(web_, db_, family));
    EXPECT_FALSE(canUdp(db_, web_, 53, family));
    EXPECT_FALSE(canTcp(db_, web_, 53, family));
    EXPECT_FALSE(canPing(db_, web_, family));
  }
  EXPECT_GT(counted(web_, "denied"), 5U);
  EXPECT_EQ(counted(web_, "spoofed"), 0U);
}

TEST_F(Firewall, AllowsWhatARuleSaysAndTheAnswersToIt) {
  loadRules(web_,
            "allow to 192.168.7.18,fd00:7::18 to udp:53\n"
            "allow from 192.168.7.0/24,fd00:7::/64 to tcp:80\n"
            "allow from any to icmp\n");
  loadRules(db_, "allow from any to udp:53\nallow to any to tcp:80,icmp\n");
  for (const Family family : {Family::IPv4, Family::IPv6}) {
    EXPECT_TRUE(canUdp(web_, db_, 53, family)) << nameOf(family);
    EXPECT_FALSE(canUdp(web_, db_, 54, family)) << nameOf(family);
    EXPECT_FALSE(canUdp(db_, web_, 53, family)) << nameOf(family);
    EXPECT_TRUE(canTcp(db_, web_, 80, family)) << nameOf(family);
    EXPECT_FALSE(canTcp(db_, web_, 81, family)) << nameOf(family);
    EXPECT_FALSE(canTcp(web_, db_, 80, family)) << nameOf(family);
    EXPECT_TRUE(canPing(db_, web_, family)) << nameOf(family);
    EXPECT_FALSE(canPing(web_, db_, family)) << nameOf(family);
  }
  EXPECT_GE(counted(web_, "rule1"), 2U);
  EXPECT_GE(counted(web_, "rule2"), 2U);
}

TEST_F(Firewall, NeverTakesAllOfIPv4ForIPv6) {
  loadRules(web_, "allow from 0/0 to udp:53\nset v4 = 192.168.7.0/24\nallow from @v4 to udp:54");
  EXPECT_TRUE(canUdp(db_, web_, 53, Family::IPv4));
  EXPECT_TRUE(canUdp(db_, web_, 54, Family::IPv4));
  EXPECT_FALSE(canUdp(db_, web_, 53, Family::IPv6));
  EXPECT_FALSE(canUdp(db_, web_, 54, Family::IPv6));
}

TEST_F(Firewall, TakesTheFirstRuleThatFits) {
  loadRules(web_,
            "set bad = 192.168.7.18, 192.168.7.16/30\n"
            "deny from @bad to udp:53\n"
            "allow from any to udp:50-60,55\n");
  EXPECT_FALSE(canUdp(db_, web_, 53, Family::IPv4));
  EXPECT_TRUE(canUdp(db_, web_, 52, Family::IPv4));
  EXPECT_TRUE(canUdp(db_, web_, 53, Family::IPv6));
}

TEST_F(Firewall, PassesFragmentsOfWhatItPassed) {
  loadRules(web_, "allow to any to udp:53");
  for (const Family family : {Family::IPv4, Family::IPv6}) {
    const Fd server =
        socketIn(db_.netns.get(), family == Family::IPv4 ? AF_INET : AF_INET6, SOCK_DGRAM);
    bindTo(server.get(), addressOf(db_, family), 53);
    const Fd other =
        socketIn(db_.netns.get(), family == Family::IPv4 ? AF_INET : AF_INET6, SOCK_DGRAM);
    bindTo(other.get(), addressOf(db_, family), 54);
    const Fd client =
        socketIn(web_.netns.get(), family == Family::IPv4 ? AF_INET : AF_INET6, SOCK_DGRAM);
    sendTo(client.get(), addressOf(db_, family), 54, std::string(4000, 'x'));
    sendTo(client.get(), addressOf(db_, family), 53, std::string(4000, 'x'));
    EXPECT_EQ(receive(server.get()).size(), 2048U) << nameOf(family);  // what the buffer takes
    EXPECT_EQ(receive(other.get()), "") << nameOf(family);
  }
}

TEST_F(Firewall, SwitchedOffStillHoldsAContextToItsAddresses) {
  loadRules(web_, "", Filter::Off);
  for (const Family family : {Family::IPv4, Family::IPv6}) {
    EXPECT_TRUE(canUdp(web_, db_, 53, family));
    EXPECT_TRUE(canTcp(db_, web_, 80, family));
    EXPECT_TRUE(canPing(web_, db_, family));
  }
  ip(web_.netns.get(), {"addr", "add", "192.168.7.99/24", "dev", "eth0"});
  ip(web_.netns.get(), {"addr", "add", "fd00:7::99/64", "dev", "eth0", "nodad"});
  web_.ipv4 = Address::parse("192.168.7.99").value();
  web_.ipv6 = Address::parse("fd00:7::99").value();
  EXPECT_FALSE(canUdp(web_, db_, 53, Family::IPv4));
  EXPECT_FALSE(canUdp(web_, db_, 53, Family::IPv6));
  EXPECT_FALSE(canUdp(db_, web_, 53, Family::IPv4));
  EXPECT_GT(counted(web_, "spoofed"), 1U);
}

TEST_F(Firewall, DropsWhatALinkSendsBeyondItsRate) {
  web_.link.shape.out = 80'000;  // 10 kB a second
  web_.link.shape.burst = Bytes{20'000};
  loadRules(web_, "allow to any to udp:53");
  loadRules(db_, "allow from any to udp:53");
  const Fd to = socketIn(db_.netns.get(), AF_INET, SOCK_DGRAM);
  bindTo(to.get(), db_.ipv4, 53);
  const Fd from = socketIn(web_.netns.get(), AF_INET, SOCK_DGRAM);
  const std::string kilobyte(958, 'x');  // 1000 bytes as a frame
  std::size_t arrived = 0;
  for (int i = 0; i < 100; ++i) sendTo(from.get(), db_.ipv4, 53, kilobyte);
  while (!receive(to.get(), 100).empty()) ++arrived;
  EXPECT_GE(arrived, 28U);
  EXPECT_LE(arrived, 50U);
  EXPECT_GE(counted(web_, "limited"), 50U);
  // A changed rate is another ruleset.
  const Ruleset slower =
      rulesetFor("web1", {web_.link}, parseRules("allow to any to udp:53", "fw"));
  EXPECT_TRUE(isLoaded(slower, runner_));
  web_.link.shape.out *= 2;
  EXPECT_FALSE(isLoaded(rulesetFor("web1", {web_.link}, parseRules("allow to any to udp:53", "fw")),
                        runner_));
}

TEST_F(Firewall, IsReplacedAndRemovedAsAWhole) {
  loadRules(web_, "allow from any to udp:53");
  EXPECT_TRUE(canUdp(db_, web_, 53, Family::IPv4));
  loadRules(web_, "allow from any to udp:54");
  EXPECT_FALSE(canUdp(db_, web_, 53, Family::IPv4));
  EXPECT_TRUE(canUdp(db_, web_, 54, Family::IPv4));

  Ruleset broken = rulesetFor("web1", {web_.link}, {});
  broken.text += "nonsense\n";
  EXPECT_THROW(load(broken, runner_), Error);
  EXPECT_TRUE(canUdp(db_, web_, 54, Family::IPv4));  // what was loaded stays

  const Ruleset right =
      rulesetFor("web1", {web_.link}, parseRules("allow from any to udp:54", "fw"));
  EXPECT_TRUE(isLoaded(right, runner_));
  runner_.mustRun({{findProgram("nft", "nftables"), "flush", "chain", "netdev", "vsd-web1", "to4"}},
                  "flush");
  EXPECT_FALSE(isLoaded(right, runner_));
  unload("web1", runner_);
  EXPECT_FALSE(isLoaded(right, runner_));
  EXPECT_FALSE(readBack("web1", runner_));
  unload("web1", runner_);
  EXPECT_TRUE(canUdp(db_, web_, 53, Family::IPv4));
}

TEST_F(Firewall, KeepsAContextFromItsHost) {
  ip(-1, {"addr", "add", "192.168.7.1/24", "dev", "vsb-inner"});
  Context host;
  host.netns = openFile("/proc/thread-self/ns/net", O_RDONLY);
  host.ipv4 = Address::parse("192.168.7.1").value();
  loadRules(web_, "allow to 192.168.7.18 to tcp:22\nallow from 192.168.7.1 to tcp:22");
  EXPECT_FALSE(canTcp(web_, host, 22, Family::IPv4));
  EXPECT_TRUE(canTcp(web_, db_, 22, Family::IPv4));
  EXPECT_TRUE(canTcp(host, web_, 22, Family::IPv4));
}

// A hook goes with its device, or, on newer kernels, waits for one of its name.
TEST_F(Firewall, OfALinkMadeAnewIsThereOrKnownToBeMissing) {
  loadRules(web_, "allow from any to udp:54");
  const Ruleset right =
      rulesetFor("web1", {web_.link}, parseRules("allow from any to udp:54", "fw"));
  remove("web1");
  web_ = makeContext("web1", 17);
  if (!isLoaded(right, runner_)) load(right, runner_);
  EXPECT_TRUE(canUdp(db_, web_, 54, Family::IPv4));
  EXPECT_FALSE(canUdp(db_, web_, 53, Family::IPv4));
}

// Random rules, and the model against the kernel: decide() says what real packets meet.
TEST_F(Firewall, DoesWhatTheModelDecides) {
  std::mt19937 random(2008);
  const auto one = [&random](const std::vector<std::string>& of) {
    return of[std::uniform_int_distribution<std::size_t>(0, of.size() - 1)(random)];
  };
  const std::vector<std::string> peers{"any",
                                       "0/0",
                                       "::/0",
                                       "192.168.7.18",
                                       "fd00:7::18",
                                       "@near",
                                       "@far",
                                       "192.168.7.16/30",
                                       "10/8,fd00:7::/64",
                                       "192.168.7.19"};
  const std::vector<std::string> services{"udp:53",        "udp:50-54", "udp:54,99",
                                          "tcp",           "udp",       "any",
                                          "tcp:53,udp:55", "icmp",      "udp:1-52,udp:54-65535"};
  int allowed = 0;
  int asked = 0;
  for (int round = 0; round < 12; ++round) {
    std::string text = "set near = 192.168.7.0/24, 192.168.7.18\nset far = 10/8, fd00:8::/64\n";
    for (int i = 0; i < 5; ++i)
      text += one({"allow", "allow", "deny"}) + " " + one({"from", "to"}) + " " + one(peers) +
              " to " + one(services) + "\n";
    loadRules(web_, text);
    const Rules rules = parseRules(text, "fw");
    for (const Family family : {Family::IPv4, Family::IPv6})
      for (const std::uint16_t port : {std::uint16_t{53}, std::uint16_t{55}})
        for (const Direction direction : {Direction::To, Direction::From}) {
          const Packet packet{direction, addressOf(db_, family), Protocol::Udp, port};
          const bool isAllowed = decide(rules, packet).action == Action::Allow;
          const bool passes = direction == Direction::To ? canUdp(web_, db_, port, family)
                                                         : canUdp(db_, web_, port, family);
          EXPECT_EQ(passes, isAllowed) << text << nameOf(direction) << " " << nameOf(family) << " "
                                       << port << ": " << decide(rules, packet).text();
          allowed += isAllowed ? 1 : 0;
          ++asked;
        }
  }
  // Neither all nor nothing, or it would say little.
  EXPECT_GT(allowed, asked / 5);
  EXPECT_LT(allowed, asked * 4 / 5);
}

// Frames as a hostile context makes them, and a neighbour that must not believe them.
class Spoofing : public Firewall {
 protected:
  void SetUp() override {
    Firewall::SetUp();
    loadRules(web_, "allow to any\nallow from any");
    listener_ = socketIn(db_.netns.get(), AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  }
  // Whether a frame with `mark` in it reaches the other context.
  bool arrives(const std::string& frame, const std::string& mark) {
    while (!receive(listener_.get(), 0).empty()) {
    }
    sendFrame(web_, frame);
    for (std::string got = receive(listener_.get()); !got.empty();
         got = receive(listener_.get(), 50))
      if (got.find(mark) != std::string::npos) return true;
    return false;
  }
  static std::string bytes(const std::string& mac) {
    std::string made;
    for (std::size_t i = 0; i < 6; ++i)
      made += static_cast<char>(std::stoi(mac.substr(3 * i, 2), nullptr, 16));
    return made;
  }
  static std::string bytes(const Address& address) {
    return {reinterpret_cast<const char*>(address.bytes()),
            static_cast<std::size_t>(address.bits() / 8)};
  }
  std::string ether(const std::string& type, const std::string& from = "") {
    return std::string(6, '\xff') + bytes(from.empty() ? web_.link.mac : from) + type;
  }
  std::string arp(char operation, const std::string& mac, const Address& sender) {
    return std::string("\0\1\x08\0\6\4\0", 7) + operation + bytes(mac) + bytes(sender) +
           std::string(6, '\0') + bytes(db_.ipv4) + "a mark";
  }
  static std::string udp(const Address& from, const Address& to, int sourcePort) {
    std::string ports{static_cast<char>(sourcePort >> 8), static_cast<char>(sourcePort), 0, 99};
    const std::string body = ports + std::string("\0\x0e\0\0", 4) + "a mark";
    std::string head =
        std::string("\x45\0\0\x22\0\1\0\0\x40\x11\0\0", 12) + bytes(from) + bytes(to);
    unsigned sum = 0;
    for (std::size_t i = 0; i < head.size(); i += 2)
      sum += static_cast<unsigned>(static_cast<unsigned char>(head[i]) << 8 |
                                   static_cast<unsigned char>(head[i + 1]));
    while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
    head[10] = static_cast<char>(~sum >> 8);
    head[11] = static_cast<char>(~sum);
    return head + body;
  }
  static std::string icmp6(char type, const Address& from, const Address& target) {
    return std::string("\x60\0\0\0\0\x1e\x3a\xff", 8) + bytes(from) +
           bytes(Address::parse("ff02::1").value()) + type + std::string(7, '\0') + bytes(target) +
           "a mark";
  }

  const std::string ip4_{"\x08\0", 2};
  const std::string ip6_{"\x86\xdd", 2};
  const std::string arp_{"\x08\x06", 2};
  const std::string otherMac_ = "02:00:00:00:00:99";
  const Address other4_ = Address::parse("192.168.7.99").value();
  const Address other6_ = Address::parse("fd00:7::99").value();
  Fd listener_;
};

TEST_F(Spoofing, WhatIsTruePasses) {
  EXPECT_TRUE(arrives(ether(arp_) + arp(1, web_.link.mac, web_.ipv4), "a mark"));
  EXPECT_TRUE(arrives(ether(arp_) + arp(2, web_.link.mac, web_.ipv4), "a mark"));
  EXPECT_TRUE(arrives(ether(ip4_) + udp(web_.ipv4, db_.ipv4, 7), "a mark"));
  EXPECT_TRUE(arrives(ether(ip6_) + icmp6('\x88', web_.ipv6, web_.ipv6), "a mark"));
  EXPECT_TRUE(arrives(ether(ip6_) + icmp6('\x87', linkLocalOf(web_.link.mac), db_.ipv6), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 0U);
}

TEST_F(Spoofing, AnotherMacAddressIsRefused) {
  EXPECT_FALSE(arrives(ether(ip4_, otherMac_) + udp(web_.ipv4, db_.ipv4, 7), "a mark"));
  EXPECT_FALSE(arrives(ether(arp_, otherMac_) + arp(1, otherMac_, web_.ipv4), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 2U);
}

TEST_F(Spoofing, AnotherAddressIsRefused) {
  EXPECT_FALSE(arrives(ether(ip4_) + udp(other4_, db_.ipv4, 7), "a mark"));
  EXPECT_FALSE(arrives(ether(ip4_) + udp(Address(), db_.ipv4, 68), "a mark"));
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x80', other6_, db_.ipv6), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 3U);
}

TEST_F(Spoofing, ArpAboutOthersIsRefused) {
  for (const char operation : {'\1', '\2'}) {
    EXPECT_FALSE(arrives(ether(arp_) + arp(operation, web_.link.mac, other4_), "a mark"));
    EXPECT_FALSE(arrives(ether(arp_) + arp(operation, otherMac_, web_.ipv4), "a mark"));
    EXPECT_FALSE(arrives(ether(arp_) + arp(operation, web_.link.mac, db_.ipv4), "a mark"));
  }
  EXPECT_FALSE(arrives(ether(arp_) + arp('\3', web_.link.mac, web_.ipv4), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 7U);
}

TEST_F(Spoofing, NeighbourAdvertisementsAboutOthersAreRefused) {
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x88', web_.ipv6, other6_), "a mark"));
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x88', web_.ipv6, db_.ipv6), "a mark"));
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x88', other6_, web_.ipv6), "a mark"));
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x87', other6_, db_.ipv6), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 4U);
}

TEST_F(Spoofing, RoutersAndDhcpServersAreRefused) {
  const Address local = linkLocalOf(web_.link.mac);
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x86', local, local), "a mark"));
  EXPECT_FALSE(arrives(ether(ip6_) + icmp6('\x89', local, local), "a mark"));
  EXPECT_FALSE(arrives(ether(ip4_) + udp(web_.ipv4, db_.ipv4, 67), "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 3U);
}

TEST_F(Spoofing, TagsAndForeignProtocolsAreRefused) {
  const std::string inner = ip4_ + udp(web_.ipv4, db_.ipv4, 7);
  EXPECT_FALSE(arrives(ether(std::string("\x81\0\0\4", 4)) + inner, "a mark"));
  EXPECT_FALSE(arrives(ether(std::string("\x88\xa8\0\4\x81\0\0\5", 8)) + inner, "a mark"));
  EXPECT_FALSE(
      arrives(ether(std::string("\x88\xcc", 2)) + std::string(40, 'x') + "a mark", "a mark"));
  EXPECT_EQ(counted(web_, "spoofed"), 3U);
}

}  // namespace
}  // namespace vs::netfw::test
