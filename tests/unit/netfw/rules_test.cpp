#include "netfw/rules.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

using Texts = std::vector<std::string>;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

Texts problemsIn(const char* text, const Definitions& shared = {}) {
  try {
    parseRules(text, "fw", shared);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    return error.blockers();
  }
  return {};
}
std::string decided(const Rules& rules, const char* packet) {
  return decide(rules, parsePacket(packet)).text();
}

TEST(Rules, AreReadInTheWordsOfVsTools) {
  const Rules rules = parseRules(
      "enable\n"
      "allow to 10.9.53.27,10.7.21.12 to udp:53\n"
      "\n"
      "  allow from 0/0 to tcp:80   # the site\n",
      "web1.fw");
  EXPECT_EQ(rules.rules, (std::vector<Rule>{{Action::Allow,
                                             Direction::To,
                                             {prefix("10.9.53.27"), prefix("10.7.21.12")},
                                             {},
                                             {{Protocol::Udp, 53, 53}},
                                             "allow to 10.9.53.27,10.7.21.12 to udp:53",
                                             "web1.fw:2"},
                                            {Action::Allow,
                                             Direction::From,
                                             {prefix("0/0")},
                                             {},
                                             {{Protocol::Tcp, 80, 80}},
                                             "allow from 0/0 to tcp:80",
                                             "web1.fw:4"}}));
}

TEST(Rules, KnowSetsGroupsRangesAndWhatIsLeftAway) {
  Definitions shared;
  shared.sets["office"] = {prefix("10.1/16")};
  shared.groups["web"] = {{Protocol::Tcp, 80, 80}};
  const Rules rules = parseRules(
      "set admins = @office, 2001:db8:1::/48\n"
      "set nobody =\n"
      "group all-web = @web, tcp:443, 8000-8010, udp:443\n"
      "allow from @admins,@office to @all-web\n"
      "deny from any\n"
      "allow to any to icmp,tcp\n",
      "fw", shared);
  EXPECT_EQ(rules.sets, (Sets{{"admins", {prefix("2001:db8:1::/48"), prefix("10.1/16")}},
                              {"office", {prefix("10.1/16")}}}));
  EXPECT_EQ(rules.rules[0].services, (std::vector<Service>{{Protocol::Tcp, 80, 80},
                                                           {Protocol::Tcp, 443, 443},
                                                           {Protocol::Tcp, 8000, 8010},
                                                           {Protocol::Udp, 443, 443}}));
  EXPECT_EQ(rules.rules[1].peers, (std::vector<Prefix>{prefix("0/0"), prefix("::/0")}));
  EXPECT_EQ(rules.rules[1].services,
            (std::vector<Service>{{Protocol::Tcp}, {Protocol::Udp}, {Protocol::Icmp}}));
  EXPECT_EQ(rules.rules[2].services, (std::vector<Service>{{Protocol::Icmp}, {Protocol::Tcp}}));
}

TEST(Rules, SayEveryProblemWithItsPlace) {
  EXPECT_EQ(problemsIn("permit from 0/0\n"
                       "allow at 0/0\n"
                       "allow from 10.0.3.7/24, host to tcp:0, ftp:21,icmp:8,tcp:9-8,udp:70000\n"
                       "allow from\n"
                       "allow from 0/0 tcp:80\n"
                       "allow from 0/0 to\n"
                       "allow from @none to @none\n"
                       "set X = 0/0\n"
                       "set a 0/0\n"
                       "set a = 0/0\n"
                       "set a = 0/0\n"
                       "allow from 0/0, to tcp:80,\n"
                       "allow from 0/0 to 80\n"),
            (Texts{"fw:1:1: 'permit' begins no line: allow, deny, set, group and enable do",
                   "fw:2:7: 'at' is neither 'to' nor 'from'",
                   "fw:3:12: '10.0.3.7/24' is no address and no network (ADDRESS/LENGTH with "
                   "nothing set behind the length)",
                   "fw:3:25: 'host' is no address and no network (ADDRESS/LENGTH with nothing set "
                   "behind the length)",
                   "fw:3:33: 'tcp:0' is no service: ports are N or N-M, from 1 to 65535",
                   "fw:3:40: 'ftp:21' is no service: tcp:PORTS, udp:PORTS, icmp or @GROUP",
                   "fw:3:47: 'icmp:8' is no service: icmp has no ports",
                   "fw:3:54: 'tcp:9-8' is no service: ports are N or N-M, from 1 to 65535",
                   "fw:3:62: 'udp:70000' is no service: ports are N or N-M, from 1 to 65535",
                   "fw:4:11: an address is missing",
                   "fw:5:16: 'tcp:80' is not expected here",
                   "fw:6:18: a service is missing",
                   "fw:7:12: there is no set 'none' above",
                   "fw:7:21: there is no group 'none' above",
                   "fw:8:5: 'X' is no name for a set: small letters, digits and '-'",
                   "fw:9:7: '=' is missing before '0/0'",
                   "fw:11:5: set 'a' is there already",
                   "fw:12:17: 'to' is no address and no network (ADDRESS/LENGTH with nothing set "
                   "behind the length)",
                   "fw:12:20: 'tcp:80' is not expected here",
                   "fw:13:19: '80' is no service: tcp:PORTS, udp:PORTS, icmp or @GROUP"}));
  Definitions shared;
  shared.sets["office"] = {};
  EXPECT_EQ(problemsIn("set office = 0/0", shared), Texts{"fw:1:5: set 'office' is there already"});
  EXPECT_EQ(problemsIn("allow from \x1b[1m to tcp:1").size(), 1U);
  EXPECT_EQ(problemsIn("allow from \x1b[1m to tcp:1")[0].find('\x1b'), std::string::npos);
}

TEST(Rules, AreOfABoundedNumber) {
  std::string text;
  for (std::size_t i = 0; i < kMostRules; ++i) text += "allow from any\n";
  EXPECT_EQ(problemsIn(text.c_str()), Texts());
  EXPECT_EQ(problemsIn((text + "allow to any").c_str()),
            Texts{"fw:4097:1: there are more than 4096 rules"});
}

TEST(Definitions, AreAFileWithoutRules) {
  const Definitions shared = parseDefinitions("set a = 10.0.0.1\ngroup b = icmp", "shared");
  EXPECT_EQ(shared.sets, (Sets{{"a", {prefix("10.0.0.1")}}}));
  EXPECT_EQ(shared.groups, (Groups{{"b", {{Protocol::Icmp}}}}));
  EXPECT_THROW(parseDefinitions("allow from any", "shared"), Error);
}

TEST(Decide, TakesTheFirstRuleThatFits) {
  const Rules rules = parseRules(
      "set bad = 10.1.66.0/24\n"
      "deny from @bad to tcp:22\n"
      "allow from 10.1/16 to tcp:22-23\n"
      "allow from 2001:db8::/32 to icmp\n"
      "allow to 10.9.53.27 to udp:53\n",
      "fw");
  EXPECT_EQ(decided(rules, "from 10.1.2.3 to tcp:22"),
            "allowed by fw:3: allow from 10.1/16 to tcp:22-23");
  EXPECT_EQ(decided(rules, "from 10.1.66.3 to tcp:22"), "denied by fw:2: deny from @bad to tcp:22");
  EXPECT_EQ(decided(rules, "from 10.1.66.3 to tcp:23"),
            "allowed by fw:3: allow from 10.1/16 to tcp:22-23");
  for (const char* denied :
       {"from 10.1.2.3 to tcp:24", "from 10.1.2.3 to tcp:21", "from 10.1.2.3 to udp:22",
        "from 10.2.2.3 to tcp:22", "to 10.1.2.3 to tcp:22", "from 10.9.53.27 to udp:53",
        "from 10.1.2.3 to icmp", "from ::ffff:10.1.2.3 to tcp:22"})
    EXPECT_EQ(decided(rules, denied), "denied: no rule fits") << denied;
  EXPECT_EQ(decide(rules, parsePacket("from 2001:db8::1 to icmp")).action, Action::Allow);
  EXPECT_EQ(decide(rules, parsePacket("to 10.9.53.27 to udp:53")).action, Action::Allow);
}

TEST(Decide, NeverTakesAllOfIPv4ForAllOfIPv6) {
  const Rules rules = parseRules("allow from 0/0 to tcp:80", "fw");
  EXPECT_EQ(decide(rules, parsePacket("from 255.1.1.1 to tcp:80")).action, Action::Allow);
  EXPECT_EQ(decide(rules, parsePacket("from ::1 to tcp:80")).action, Action::Deny);
}

TEST(Packets, AreOneServiceOfOneAddress) {
  for (const char* bad :
       {"", "from", "from 10.1.2.3", "from 10.1.2.0/24 to tcp:22", "from 10.1.2.3 to tcp",
        "from 10.1.2.3 to tcp:1-2", "from 10.1.2.3 to tcp:1,tcp:2", "at 10.1.2.3 to tcp:1",
        "from 10.1.2.3 to tcp:22 now", "from 10.1.2.3 to any"})
    EXPECT_THROW(parsePacket(bad), Error) << bad;
}

}  // namespace
}  // namespace vs::netfw
