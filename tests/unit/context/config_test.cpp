#include "vsd/context/config.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

TEST(Config, ReadsSettingsAndLaterFilesWin) {
  const Config config = parseConfig(
      {{"a.toml",
        "[daemon]\ngroup = \"admins\"\n[defaults]\nmemory = \"1G\"\ndns = [\"10.0.0.1\"]\n"},
       {"b.toml",
        "[defaults]\nmemory = \"2G\"\nstop-timeout = \"5s\"\n[storage]\ngrow-at = 50\nreserve = "
        "0\novercommit = 3\ndefault-size = \"20G\"\nwhen-full = \"pause\"\n"}});
  EXPECT_EQ(config.group, "admins");
  EXPECT_EQ(config.limits.memory, 2_GiB);
  EXPECT_EQ(config.dns, std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(config.stopTimeout, Millis(5000));
  EXPECT_EQ(config.defaultTemplate, "debian13");
  EXPECT_EQ(config.growAt, 50);
  EXPECT_EQ(config.growBy, 25);
  EXPECT_EQ(config.growReserve, 0);
  EXPECT_EQ(config.overcommit, 3);
  EXPECT_EQ(config.defaultSize, 20_GiB);
  EXPECT_EQ(config.whenFull, WhenFull::Pause);
}

TEST(Config, RefusesADefaultSizeThatHoldsNothing) {
  try {
    parseConfig({{"vsd.toml", "[storage]\ndefault-size = \"1M\"\n"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.blockers().at(0),
              "vsd.toml:2:16: 'default-size' must lie between 256M and 64T, not 1.0M");
  }
}

TEST(Config, ListsEveryProblemWithFileLineAndColumn) {
  try {
    parseConfig({{"vsd.toml",
                  "loose = 1\n"
                  "[daemon]\n"
                  "group = 5\n"
                  "colour = \"red\"\n"
                  "[defaults]\n"
                  "memory = \"lots\"\n"
                  "pids = 1\n"
                  "[storage]\n"
                  "when-full = \"hope\"\n"},
                 {"broken.toml", "[defaults\n"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    ASSERT_EQ(error.blockers().size(), 7U) << error.text();
    std::vector<std::string> problems = error.blockers();
    std::sort(problems.begin(), problems.end() - 1);
    EXPECT_EQ(problems[0],
              "vsd.toml:1:9: 'loose' stands outside of any section; known are [daemon], "
              "[defaults], [network], [storage], [templates]");
    EXPECT_EQ(problems[1], "vsd.toml:3:9: 'group' must be a text in quotes");
    EXPECT_EQ(problems[2], "vsd.toml:4:10: there is no setting 'colour' in [daemon]");
    EXPECT_EQ(
        problems[3],
        "vsd.toml:6:10: memory 'lots' is not a number with a unit; write for example 512M or 2G");
    EXPECT_EQ(problems[4], "vsd.toml:7:8: 'pids' must be a whole number from 8 to 4194304");
    EXPECT_EQ(problems[5], "vsd.toml:9:13: 'when-full' must be \"error\" or \"pause\", not 'hope'");
    EXPECT_TRUE(problems[6].starts_with("broken.toml:1:")) << problems[6];
  }
}

}  // namespace
}  // namespace vs
