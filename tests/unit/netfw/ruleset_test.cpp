#include "netfw/ruleset.hpp"

#include <gtest/gtest.h>

#include "netfw/nft.hpp"
#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::netfw {
namespace {

using Hooks = std::map<std::string, std::vector<std::string>>;

LinkPlan link(int index = 0, LinkMode mode = LinkMode::Bridge) {
  Network network{"vlan3", NetworkKind::Vlan, 3, "trunk0"};
  network.subnets = {{Prefix::parse("10.0.3.0/24").value(), {}},
                     {Prefix::parse("2001:db8:3::/64").value(), {}}};
  return planLink({"web1",
                   "u",
                   index,
                   mode,
                   {Address::parse("10.0.3.17").value(), Address::parse("2001:db8:3::17").value()}},
                  network);
}

Rules rules() {
  return parseRules(
      "set admins = 10.1/16, 10.1.2.3, 10.2.0.1\n"
      "allow to 10.9.53.27,10.7.21.12 to udp:53\n"
      "allow from 0/0 to tcp:80,443,8000-8010,8005-8020,udp:443\n"
      "deny from @admins to tcp:22\n"
      "allow from 2001:db8::/32,@admins to icmp\n",
      "web1.fw");
}

// tests/unit/netfw/web1.nft is the whole text, to be read by people too.
TEST(Ruleset, IsOneTableLoadedAtOnce) {
  EXPECT_EQ(rulesetFor("web1", {link()}, rules()).text, readFile(GOLDEN_DIR "/web1.nft"));
}

TEST(Ruleset, CountsWhatItHasOfEachChain) {
  const Ruleset ruleset = rulesetFor("web1", {link()}, rules());
  EXPECT_EQ(ruleset.rules.at("to4"), 6);
  EXPECT_EQ(ruleset.rules.at("from4"), 8);
  EXPECT_EQ(ruleset.rules.at("from6"), 5);
  EXPECT_EQ(ruleset.rules.at("of0"), 3);
  EXPECT_EQ(ruleset.hooks, (Hooks{{"for0", {"vs0-web1"}}, {"of0", {"vs0-web1"}}}));
}

TEST(Ruleset, HooksEachLinkByItselfAndSharesTheRules) {
  const Ruleset ruleset = rulesetFor("web1", {link(0), link(1)}, rules());
  EXPECT_EQ(ruleset.hooks, (Hooks{{"for0", {"vs0-web1"}},
                                  {"for1", {"vs1-web1"}},
                                  {"of0", {"vs0-web1"}},
                                  {"of1", {"vs1-web1"}}}));
  EXPECT_NE(ruleset.text.find("hook egress device \"vs1-web1\""), std::string::npos);
}

TEST(Ruleset, IsToldFromAnotherOfTheSameShape) {
  const Ruleset on = rulesetFor("web1", {link()}, rules());
  const Ruleset off = rulesetFor("web1", {link()}, rules(), Filter::Off);
  EXPECT_EQ(on.rules, off.rules);
  EXPECT_NE(on.mark, off.mark);
  EXPECT_NE(on.text.find("counter " + on.mark + " {"), std::string::npos);
}

TEST(Ruleset, SwitchedOffStillHoldsTheContextToItsAddresses) {
  const std::string text = rulesetFor("web1", {link()}, rules(), Filter::Off).text;
  EXPECT_EQ(text.find("    goto to4\n"), std::string::npos);
  EXPECT_EQ(text.find("    goto from6\n"), std::string::npos);
  EXPECT_NE(text.find("ip saddr != { 10.0.3.17 } goto spoofed"), std::string::npos);
}

TEST(Ruleset, LetsAFamilyWithoutAddressesPassNothing) {
  LinkPlan plan = link();
  plan.addresses.pop_back();
  const std::string text = rulesetFor("web1", {plan}, rules()).text;
  EXPECT_NE(text.find("chain ip6-of0 {\n    goto spoofed\n  }"), std::string::npos);
  EXPECT_NE(text.find("chain for6-0 {\n    drop\n  }"), std::string::npos);
}

TEST(Ruleset, CannotFilterALinkWithoutAnEndOnTheHost) {
  try {
    rulesetFor("web1", {link(0, LinkMode::Macvlan)}, rules());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Unsupported);
    EXPECT_EQ(error.text(),
              "the firewall of context 'web1' cannot see its macvlan link 'eth0': that has no end "
              "on this host");
  }
  EXPECT_TRUE(rulesetFor("web1", {link(0, LinkMode::Macvlan)}, rules(), Filter::Off).hooks.empty());
}

TEST(LinkLocal, IsMadeOfTheMacAddress) {
  EXPECT_EQ(linkLocalOf("02:77:e0:e6:5c:30").text(), "fe80::77:e0ff:fee6:5c30");
}

constexpr const char* kListed =
    "table netdev vsd-web1 {\n"
    "\tcounter denied {\n"
    "\t\tpackets 3 bytes 252\n"
    "\t}\n"
    "\n"
    "\tcounter text-0123 {\n"
    "\t\tpackets 0 bytes 0\n"
    "\t}\n"
    "\n"
    "\tset flows4 {\n"
    "\t\ttype ipv4_addr\n"
    "\t\tsize 4096\n"
    "\t}\n"
    "\n"
    "\tchain to4 {\n"
    "\t\tudp dport { 53, 100-200 } goto sent4\n"
    "\t\tdrop\n"
    "\t}\n"
    "\n"
    "\tchain empty {\n"
    "\t}\n"
    "\n"
    "\tchain of0 {\n"
    "\t\ttype filter hook ingress device \"vs0-web1\" priority filter; policy drop;\n"
    "\t\tdrop\n"
    "\t}\n"
    "\n"
    "\tchain for0 {\n"
    "\t\ttype filter hook egress devices = { \"vs0-web1\", \"vs1-web1\" } priority filter; policy "
    "drop;\n"
    "\t}\n"
    "}\n";
const Hooks kHooks{{"for0", {"vs0-web1", "vs1-web1"}}, {"of0", {"vs0-web1"}}};
const std::map<std::string, int> kRules{{"empty", 0}, {"for0", 0}, {"of0", 1}, {"to4", 2}};

TEST(Nft, ReadsATableBack) {
  FakeRunner runner;
  runner.answer({0, kListed, ""});
  const LoadedRuleset loaded = readBack("web1", runner).value();
  EXPECT_EQ(runner.ran,
            std::vector<std::string>{"/usr/sbin/nft --terse list table netdev vsd-web1"});
  EXPECT_EQ(loaded.rules, kRules);
  EXPECT_EQ(loaded.hooks, kHooks);
  EXPECT_EQ(loaded.counters,
            (std::map<std::string, Count>{{"denied", {3, 252}}, {"text-0123", {0, 0}}}));
  EXPECT_EQ(loaded.sets, std::vector<std::string>{"flows4"});
  runner.answer({1, "", "Error: No such file or directory\nlist table netdev vsd-web1\n"});
  EXPECT_FALSE(readBack("web1", runner));
  runner.answer({1, "", "Error: Operation not permitted\n"});
  EXPECT_THROW(readBack("web1", runner), Error);
  runner.answer({0, "{", ""});
  EXPECT_THROW(readBack("web1", runner), Error);
}

TEST(Nft, MissesAHookThatWentWithItsDevice) {
  FakeRunner runner;
  Ruleset ruleset;
  ruleset.rules = kRules;
  ruleset.hooks = kHooks;
  ruleset.mark = "text-0123";
  runner.answer({0, kListed, ""});
  EXPECT_TRUE(isLoaded(ruleset, runner));
  ruleset.mark = "text-4567";  // rules of the same shape
  runner.answer({0, kListed, ""});
  EXPECT_FALSE(isLoaded(ruleset, runner));
  ruleset.mark = "text-0123";
  std::string unhooked = kListed;
  unhooked.erase(unhooked.find(" device \"vs0-web1\""), 18);
  runner.answer({0, unhooked, ""});
  EXPECT_FALSE(isLoaded(ruleset, runner));
}

TEST(Nft, BelievesOnlyWhatItReadsBack) {
  FakeRunner runner;
  runner.answer({});
  runner.answer({0, kListed, ""});
  EXPECT_THROW(load(rulesetFor("web1", {link()}, rules()), runner), Error);
  runner.answer({});
  runner.answer({0, kListed, ""});
  Ruleset small;
  small.context = "web1";
  small.rules = kRules;
  small.hooks = kHooks;
  small.mark = "text-0123";
  load(small, runner);
  EXPECT_EQ(runner.ran.size(), 4U);
  EXPECT_EQ(runner.ran[2], "/usr/sbin/nft -f -");
}

}  // namespace
}  // namespace vs::netfw
