#include "vsd/unpack/entry_path.hpp"

#include <gtest/gtest.h>

namespace vs::unpack {
namespace {

std::string refusalOf(std::string_view path) {
  try {
    return "accepted as " + entryPath(path, 4);
  } catch (const Error& error) {
    return error.text();
  }
}

TEST(EntryPath, TakesAwayWhatMeansNothing) {
  EXPECT_EQ(entryPath("etc/passwd", 4), "etc/passwd");
  EXPECT_EQ(entryPath("./etc//./passwd", 4), "etc/passwd");
  EXPECT_EQ(entryPath("./etc/", 4), "etc");
  EXPECT_EQ(entryPath("./", 4), "");
  EXPECT_EQ(entryPath("..data/...", 4), "..data/...");
}

TEST(EntryPath, RefusesWhatCouldLeaveTheTree) {
  EXPECT_EQ(refusalOf("/etc/cron.d/x"), "entry '/etc/cron.d/x' is refused: its path is absolute");
  EXPECT_EQ(refusalOf("../x"), "entry '../x' is refused: its path contains '..'");
  EXPECT_EQ(refusalOf("a/../../x"), "entry 'a/../../x' is refused: its path contains '..'");
  EXPECT_EQ(refusalOf("a/.."), "entry 'a/..' is refused: its path contains '..'");
  EXPECT_EQ(refusalOf(""), "entry '' is refused: it has no name");
}

TEST(EntryPath, RefusesWhatIsTooDeepOrTooLong) {
  EXPECT_EQ(refusalOf("a/b/c/d"), "accepted as a/b/c/d");
  EXPECT_EQ(refusalOf("a/b/c/d/e"),
            "entry 'a/b/c/d/e' is refused: its path is deeper than 4 names");
  EXPECT_EQ(entryPath(std::string(255, 'n'), 4).size(), 255U);
  EXPECT_THROW(entryPath(std::string(256, 'n'), 4), Error);
  EXPECT_THROW(entryPath(std::string(4096, '/') + "x", 4), Error);
}

TEST(EntryPath, ShowsControlCharactersAsQuestionMarks) {
  EXPECT_EQ(refusalOf("/a\n\x1b[2J"), "entry '/a??[2J' is refused: its path is absolute");
}

TEST(EntryPath, SplitsAtTheLastSlash) {
  EXPECT_EQ(split("a/b/c").parent, "a/b");
  EXPECT_EQ(split("a/b/c").leaf, "c");
  EXPECT_EQ(split("a").parent, "");
  EXPECT_EQ(split("a").leaf, "a");
}

}  // namespace
}  // namespace vs::unpack
