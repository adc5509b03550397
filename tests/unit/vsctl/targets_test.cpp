#include "vsctl/targets.hpp"

#include <gtest/gtest.h>

#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

const Json kContexts = parseJson(R"([
  {"definition": {"name": "db1", "tags": ["back"]}, "state": "stopped"},
  {"definition": {"name": "web1", "tags": ["front"]}, "state": "running"},
  {"definition": {"name": "web2", "tags": ["front", "new"]}, "state": "stopped"}
])",
                                 "test");

constexpr std::string_view kStopped[] = {"stopped"};

std::string chosen(const std::vector<std::string>& words, bool all = false,
                   std::span<const std::string_view> states = {}) {
  Targets targets;
  targets.words = words;
  targets.all = all;
  return join(chooseNames(targets, kContexts, states), " ");
}

TEST(ChooseNames, TakesNamesAsTheyAreInTheirOrderAndOnce) {
  EXPECT_EQ(chosen({"web2", "unknown", "web2"}), "web2 unknown");
}

TEST(ChooseNames, UnderstandsPatternsTagsAndAll) {
  EXPECT_EQ(chosen({"web*"}), "web1 web2");
  EXPECT_EQ(chosen({"@front", "db?"}), "web1 web2 db1");
  EXPECT_EQ(chosen({"web2", "web*"}), "web2 web1");
  EXPECT_EQ(chosen({}, true), "db1 web1 web2");
}

TEST(ChooseNames, TakesByPatternOnlyWhatTheVerbCanWorkOn) {
  EXPECT_EQ(chosen({}, true, kStopped), "db1 web2");
  EXPECT_EQ(chosen({"web*"}, false, kStopped), "web2");
  EXPECT_EQ(chosen({"web1"}, false, kStopped), "web1");
  EXPECT_EQ(chosen({"web1*"}, false, kStopped), "");
}

TEST(ChooseNames, SaysNotFoundForAPatternThatNothingMatches) {
  for (const char* word : {"mail*", "@none"}) {
    try {
      chosen({"web1", word});
      ADD_FAILURE() << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::NotFound);
      EXPECT_EQ(error.text(), fmt::format("no context matches '{}'", word));
    }
  }
}

TEST(ChooseNames, WantsNamesOrAllButNotBoth) {
  EXPECT_THROW(chosen({}), Error);
  EXPECT_THROW(chosen({"web1"}, true), Error);
}

TEST(Parallel, IsAWholeNumberFromOneTo64) {
  Targets targets;
  targets.parallelText = "8";
  EXPECT_EQ(targets.parallel(), 8U);
  for (const char* text : {"0", "65", "x", "4x", ""}) {
    targets.parallelText = text;
    EXPECT_THROW(static_cast<void>(targets.parallel()), Error) << text;
  }
}

}  // namespace
}  // namespace vs::ctl
