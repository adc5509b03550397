#include "vsd/guest/line_reader.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "vsd/base/file.hpp"

namespace vs::guest {
namespace {

std::vector<std::string> linesOf(const std::string& content) {
  const TempDir directory;
  const std::string path = directory.path() + "/file";
  std::ofstream(path) << content;
  LineReader reader(path.c_str());
  std::vector<std::string> lines;
  while (const char* line = reader.next()) lines.emplace_back(line);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, GivesEachLineAndALastOneWithoutNewline) {
  EXPECT_EQ(linesOf("one\n\ntwo\nthree"), (Lines{"one", "", "two", "three"}));
  EXPECT_EQ(linesOf(""), Lines{});
  EXPECT_EQ(linesOf("\n"), Lines{""});
}

TEST(LineReader, SkipsLinesThatDoNotFit) {
  const std::string tooLong(9000, 'x');
  EXPECT_EQ(linesOf("a\n" + tooLong + "\nb\n" + tooLong), (Lines{"a", "b"}));
  EXPECT_EQ(linesOf(std::string(100'000, 'y') + "\nafter\n"), Lines{"after"});
}

TEST(LineReader, GivesLinesOfEveryLengthAcrossItsBuffer) {
  std::string content;
  Lines expected;
  for (std::size_t size = 0; size < 300; ++size) {
    expected.push_back(std::string(size, static_cast<char>('a' + size % 26)));
    content += expected.back() + "\n";
  }
  EXPECT_EQ(linesOf(content), expected);
}

TEST(FieldsOf, CutsAtColonsAndFillsUpWithNothing) {
  char line[] = "a::c:d:e";
  const auto fields = fieldsOf<4>(line);
  EXPECT_EQ(std::string(fields[0]) + "|" + fields[1] + "|" + fields[2] + "|" + fields[3], "a||c|d");
  char shortLine[] = "only";
  const auto few = fieldsOf<3>(shortLine);
  EXPECT_EQ(std::string(few[0]) + "|" + few[1] + "|" + few[2], "only||");
}

}  // namespace
}  // namespace vs::guest
