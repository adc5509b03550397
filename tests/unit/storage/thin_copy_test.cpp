#include "vsd/storage/thin_copy.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::storage {
namespace {

constexpr std::uint64_t kBlock = 64U << 10;

// As thin_dump(8) writes it.
constexpr const char* kDump =
    "<superblock uuid=\"\" time=\"1\" transaction=\"3\" flags=\"0\" version=\"2\" "
    "data_block_size=\"128\" nr_data_blocks=\"8192\">\n"
    "  <device dev_id=\"2\" mapped_blocks=\"14\" transaction=\"1\" creation_time=\"0\" "
    "snap_time=\"1\">\n"
    "    <range_mapping origin_begin=\"0\" data_begin=\"100\" length=\"3\" time=\"0\"/>\n"
    "    <single_mapping origin_block=\"3\" data_block=\"7\" time=\"1\"/>\n"
    "    <range_mapping origin_begin=\"20\" data_begin=\"200\" length=\"10\" time=\"1\"/>\n"
    "  </device>\n"
    "</superblock>\n";

std::vector<Extent> extentsOf(const std::string& text) {
  std::istringstream dump(text);
  return extentsIn(dump);
}

TEST(ThinCopy, ReadsWhatIsMappedAndJoinsNeighbours) {
  const std::vector<Extent> extents = extentsOf(kDump);
  ASSERT_EQ(extents.size(), 2U);
  EXPECT_EQ(extents[0].begin, 0U);
  EXPECT_EQ(extents[0].length, 4 * kBlock);
  EXPECT_EQ(extents[1].begin, 20 * kBlock);
  EXPECT_EQ(lengthOf(extents), 14 * kBlock);
}

TEST(ThinCopy, RefusesADumpThatIsCutOffOrIsNone) {
  const std::string whole = kDump;
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7)
    EXPECT_THROW(extentsOf(whole.substr(0, length)), Error) << length;
  EXPECT_THROW(extentsOf("<superblock>\n</superblock>\n"), Error);
}

TEST(ThinCopy, CopiesTheExtentsAndNothingElse) {
  const TempDir scratch;
  const std::string from = scratch.path() + "/from";
  const std::string to = scratch.path() + "/to";
  std::string bytes(30 * kBlock, 'a');
  bytes[kBlock] = 'b';
  writeAtomic(from, bytes);
  writeAtomic(to, std::string(30 * kBlock, 'z'));
  int last = -1;
  copyExtents(extentsOf(kDump), from, to, [&last](int percent) {
    EXPECT_LE(last, percent);
    last = percent;
  });
  std::string wanted(30 * kBlock, 'z');
  wanted.replace(0, 4 * kBlock, bytes, 0, 4 * kBlock);
  wanted.replace(20 * kBlock, 10 * kBlock, bytes, 20 * kBlock, 10 * kBlock);
  EXPECT_EQ(readFile(to), wanted);
}

}  // namespace
}  // namespace vs::storage
