#include "vsctl/wish.hpp"

#include <gtest/gtest.h>

#include "vsctl/flags.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

WishFlags typed(const std::vector<std::string>& words, For what = For::Create) {
  WishFlags wish;
  Flags flags;
  addWishFlags(flags, wish, what);
  flags.parse(words);
  return wish;
}

Json fieldsOf(const std::vector<std::string>& words) { return fieldsFrom(typed(words), {}); }

std::string problemOf(const std::vector<std::string>& words) {
  try {
    fieldsOf(words);
  } catch (const Error& error) {
    return error.text();
  }
  return "no problem";
}

TEST(Wish, HoldsOnlyWhatWasTyped) { EXPECT_EQ(fieldsOf({}), Json::object()); }

TEST(Wish, HasEveryFieldOfTheApi) {
  const WishFlags flags = typed({"--template",
                                 "debian13",
                                 "--storage",
                                 "dir",
                                 "--size",
                                 "10G",
                                 "--init",
                                 "command",
                                 "--memory",
                                 "512M",
                                 "--swap",
                                 "1G",
                                 "--cpus",
                                 "1.5",
                                 "--cpu-weight",
                                 "200",
                                 "--pids",
                                 "64",
                                 "--read-rate",
                                 "1M",
                                 "--write-rate",
                                 "512K",
                                 "--hostname",
                                 "web",
                                 "--dns",
                                 "10.0.0.1,10.0.0.2",
                                 "--dns",
                                 "10.0.0.3",
                                 "--domain",
                                 "example.org",
                                 "--hosts",
                                 "10.0.0.9 a b",
                                 "--hosts",
                                 "10.0.0.8 c",
                                 "--authorized-key",
                                 "ssh-ed25519 AAAA",
                                 "--env",
                                 "A=1,2",
                                 "--env",
                                 "B=",
                                 "--user",
                                 "www",
                                 "--profile",
                                 "nesting",
                                 "--autostart",
                                 "--restart",
                                 "on-failure",
                                 "--stop-timeout",
                                 "2m",
                                 "--disk",
                                 "undoable",
                                 "--at-stop",
                                 "discard",
                                 "--tag",
                                 "front,blue"});
  EXPECT_EQ(fieldsFrom(flags, {"sleep", "9"}), parseJson(R"({
    "template": "debian13", "storage": "dir", "size": 10737418240, "init": "command",
    "limits": {"memory": 536870912, "swap": 1073741824, "cpus": 1500, "cpuWeight": 200, "pids": 64,
               "readRate": 1048576, "writeRate": 524288},
    "hostname": "web", "dns": ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "domain": "example.org",
    "hosts": ["10.0.0.9 a b", "10.0.0.8 c"], "authorizedKeys": ["ssh-ed25519 AAAA"],
    "environment": ["A=1,2", "B="], "user": "www", "profile": "nesting", "autostart": true,
    "restart": "onFailure", "stopTimeout": 120000, "disk": "undoable",
    "atStop": "discard", "tags": ["front", "blue"],
    "command": ["sleep", "9"]})",
                                                         "test"));
}

TEST(Wish, TakesTheLastOfAFlagThatHasOneValue) {
  EXPECT_EQ(fieldsOf({"--memory", "1G", "--memory", "2M"}),
            Json({{"limits", {{"memory", 2097152}}}}));
}

TEST(Wish, CanTurnAutostartOff) {
  EXPECT_EQ(fieldsOf({"--no-autostart"}), Json({{"autostart", false}}));
}

TEST(Wish, TellsLinksInTheOrderOfTheirKind) {
  EXPECT_EQ(fieldsOf({"--link", "network=lan,mode=macvlan,address=10.0.4.2", "--network", "lonely",
                      "--address", "10.0.3.17,2001:db8::17", "--address", "10.0.5.2"}),
            parseJson(R"({"links": [{"addresses": ["10.0.3.17", "2001:db8::17"]},
                                    {"addresses": ["10.0.5.2"]}, {"network": "lonely"},
                                    {"network": "lan", "mode": "macvlan", "addresses": ["10.0.4.2"]}]})",
                      "test"));
  EXPECT_EQ(fieldsOf({"--firewall", "off"}), Json({{"firewall", false}}));
  EXPECT_EQ(problemOf({"--firewall", "no"}), "--firewall is 'on' or 'off', not 'no'");
  EXPECT_EQ(
      problemOf({"--link", "lan"}),
      "--link 'lan' is not KEY=VALUE,... with network, mode, address, rate-in, rate-out, burst");
  EXPECT_EQ(fieldsOf({"--link", "network=lan,rate-in=100Mbit,rate-out=1.5Mbit,burst=64K"}),
            Json({{"links",
                   {{{"network", "lan"},
                     {"rateIn", 100'000'000},
                     {"rateOut", 1'500'000},
                     {"burst", 65'536}}}}}));
  EXPECT_EQ(problemOf({"--link", "network=lan,rate-in=100"}),
            "rate-in '100' has no unit that is known; use bit, kbit, Mbit or Gbit");
  EXPECT_EQ(unsetFields({"address", "rules"}), (std::vector<std::string>{"links", "rules"}));
}

TEST(Wish, ReadsRulesLineByLine) {
  EXPECT_EQ(linesOf("a\n\n# b\nc\n\n"), (std::vector<std::string>{"a", "", "# b", "c"}));
  EXPECT_EQ(linesOf("a"), std::vector<std::string>{"a"});
  EXPECT_EQ(linesOf("\n"), std::vector<std::string>{});
}

TEST(Wish, NamesTheFlagThatCannotBeRead) {
  EXPECT_EQ(problemOf({"--memory", "lots"}),
            "--memory 'lots' is not a number with a unit; write for example 512M or 2G");
  EXPECT_EQ(problemOf({"--stop-timeout", "5 minutes"}),
            "--stop-timeout '5 minutes' has an unknown unit ' minutes'; use ms, s, m, h or d");
  EXPECT_EQ(problemOf({"--cpus", "1.2345"}),
            "--cpus '1.2345' is not a number of processors; write for example 2 or 1.5");
  EXPECT_EQ(problemOf({"--pids", "-1"}).substr(0, 35), "--pids '-1' is not a whole number f");
  EXPECT_EQ(problemOf({"--env", "PATH"}), "--env 'PATH' is not NAME=VALUE");
}

TEST(Cpus, AreReadAsThousandths) {
  const std::pair<const char*, std::int64_t> good[] = {
      {"1", 1000}, {"1.5", 1500}, {"0.25", 250}, {".5", 500}, {"12.001", 12001}};
  for (const auto& [text, value] : good) EXPECT_EQ(parseCpus(text, "--cpus"), value) << text;
  for (const char* text : {"", ".", "0", "1.", "-1", "1,5", "1e3", "9999999", "1.0001"})
    EXPECT_THROW(parseCpus(text, "--cpus"), Error) << text;
}

TEST(SetFlags, LeaveOutWhatIsFixedAtCreation) {
  EXPECT_THROW(typed({"--template", "x"}, For::Set), Error);
  EXPECT_NO_THROW(typed({"--memory", "1G"}, For::Set));
}

TEST(Unset, UnderstandsFlagAndFieldNames) {
  EXPECT_EQ(unsetFields({"memory", "limits.pids", "authorized-key", "tags", "command", "env"}),
            (std::vector<std::string>{"limits.memory", "limits.pids", "authorizedKeys", "tags",
                                      "command", "environment"}));
}

TEST(Unset, RefusesWhatHasNoDefault) {
  for (const char* name : {"name", "template", "nonsense", ""})
    EXPECT_THROW(unsetFields({name}), Error) << name;
}

TEST(ReadKeyFiles, TakesTheKeysOfFilesAndKeysThemselves) {
  const TempDir folder;
  const std::string file = folder.path() + "/keys";
  writeAtomic(file, "# mine\nssh-rsa AAA me\n\n  \nssh-ed25519 BBB you\n");
  WishFlags flags = typed({"--authorized-key", file, "--authorized-key", "ssh-ed25519 CCC"});
  readKeyFiles(flags);
  EXPECT_EQ(
      fieldsFrom(flags, {}),
      Json({{"authorizedKeys", {"ssh-rsa AAA me", "ssh-ed25519 BBB you", "ssh-ed25519 CCC"}}}));
  WishFlags missing = typed({"--authorized-key", folder.path() + "/none"});
  EXPECT_THROW(readKeyFiles(missing), Error);
}

}  // namespace
}  // namespace vs::ctl
