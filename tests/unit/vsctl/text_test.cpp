#include "vsctl/text.hpp"

#include <gtest/gtest.h>

#include "vsd/base/units.hpp"

namespace vs::ctl {
namespace {

TEST(CleanOutput, KeepsLinesTabsAndColours) {
  EXPECT_EQ(cleanOutput("[\x1b[0;32m  OK  \x1b[0m] a\tb\n"), "[\x1b[0;32m  OK  \x1b[0m] a\tb\n");
}

TEST(CleanOutput, LeavesOutWhatSteersATerminal) {
  EXPECT_EQ(cleanOutput("a\x1b[2Jb\x1b[10;5Hc"), "abc");
  EXPECT_EQ(cleanOutput("a\x1b]0;title\ab\x1b]52;c;aGk=\x1b\\c"), "abc");
  EXPECT_EQ(cleanOutput("a\x1b"
                        "cb\rc\bd\a"),
            "abcd");
  EXPECT_EQ(cleanOutput("a\xc2\x9b"
                        "2Jb"),
            "a2Jb");
  EXPECT_EQ(cleanOutput("a\x1b]0;never ended"), "a");
  EXPECT_EQ(cleanOutput("a\x1b["), "a");
}

TEST(CleanOutput, KeepsTextOfOtherLanguages) { EXPECT_EQ(cleanOutput("größe Ω"), "größe Ω"); }

TEST(ParseTime, ReadsTheTimesOfTheApiOnly) {
  EXPECT_EQ(formatTime(*parseTime("2008-03-01T12:00:00.250Z")), "2008-03-01T12:00:00.250Z");
  EXPECT_EQ(formatTime(*parseTime("2008-03-01T12:00:00Z")), "2008-03-01T12:00:00.000Z");
  EXPECT_FALSE(parseTime("yesterday").has_value());
  EXPECT_FALSE(parseTime("2008-03-01T12:00:00").has_value());
  EXPECT_FALSE(parseTime("").has_value());
}

TEST(SplitList, LeavesOutEmptyParts) {
  EXPECT_EQ(splitList("a,,b,"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(splitList(""), std::vector<std::string>{});
}

TEST(WidthOf, CountsCharactersNotBytes) { EXPECT_EQ(widthOf("größe"), 5U); }

}  // namespace
}  // namespace vs::ctl
