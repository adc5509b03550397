#include "vsctl/rules_file.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

using Lines = std::vector<std::string>;

Lines problemsOf(const std::string& text) {
  try {
    rulesFromToml(text, "web.toml");
  } catch (const Error& error) {
    return error.blockers();
  }
  return {};
}

TEST(RulesFromToml, StandOnTheLinesTheyAreWrittenOn) {
  EXPECT_EQ(rulesFromToml(R"(# who may administer
[sets]
admins = ["10.1.0.0/16", "2001:db8:1::/48"]
[groups]
web = ["tcp:80", "tcp:443"]

[[rule]]
deny = "from"
peers = ["10.1.66.0/24"]
comment = "the guests"

[[rule]]
allow = "from"
peers = "@admins"
services = ["@web", "icmp"]

[[rule]]
allow = "to"
)",
                          "web.toml"),
            (Lines{"", "", "set admins = 10.1.0.0/16, 2001:db8:1::/48", "",
                   "group web = tcp:80, tcp:443", "", "deny from 10.1.66.0/24", "", "", "", "",
                   "allow from @admins to @web, icmp", "", "", "", "", "allow to any"}));
}

TEST(RulesFromToml, SaysEverythingThatIsWrongWithThem) {
  EXPECT_EQ(problemsOf(R"([[rule]]
allow = "towards"
ports = [80]
[[rule]]
peers = []
[sets]
late = ["10.0.0.1"]
)"),
            (Lines{"web.toml:2:9: allow is \"to\" or \"from\"",
                   "web.toml:3:9: 'ports' is not known of a rule; there are allow, deny, peers, "
                   "services and comment",
                   "web.toml:5:9: a list of texts is wanted, such as [\"tcp:80\", \"tcp:443\"]",
                   "web.toml:4:1: the rule has neither allow nor deny",
                   "web.toml:7:1: sets and groups stand above the rules"}));
  EXPECT_EQ(problemsOf("rules = 1\n"),
            Lines{"web.toml:1:9: 'rules' is not known; there are sets, groups and rule"});
  EXPECT_EQ(problemsOf("[[rule]]\nallow = \"to\"\npeers = [\"10.0.0.1\\nallow from any\"]\n"),
            Lines{"web.toml:3:9: a text with a line break or a '#' means nothing here"});
  EXPECT_EQ(problemsOf("[[rule\n").size(), 1U);
}

}  // namespace
}  // namespace vs::ctl
