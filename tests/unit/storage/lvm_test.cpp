#include "vsd/storage/lvm.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"

namespace vs::storage {
namespace {

constexpr const char* kVolumes = R"({"report": [{"lv": [
  {"lv_name":"vs-pool","lv_size":"4294967296","pool_lv":"","origin":"","lv_tags":"vsd","lv_active":"active",
   "lv_permissions":"writeable","segtype":"thin-pool","data_percent":"12.50","metadata_percent":"3.10"},
  {"lv_name":"vc-web1","lv_size":"8589934592","pool_lv":"vs-pool","origin":"vt-debian13",
   "lv_tags":"vs.d0.1=e30,vsd","lv_active":"","lv_permissions":"read-only","segtype":"thin",
   "data_percent":"","metadata_percent":""},
  {"lv_name":"vc-foreign","lv_size":"1","pool_lv":"","origin":"","lv_tags":"","lv_active":"active",
   "lv_permissions":"writeable","segtype":"linear","data_percent":"","metadata_percent":""}]}]})";

TEST(Lvm, ReportsOnlyVolumesWithOurTag) {
  const std::vector<LogicalVolume> volumes = parseVolumes(kVolumes);
  ASSERT_EQ(volumes.size(), 2U);
  EXPECT_EQ(volumes[0].name, "vs-pool");
  EXPECT_TRUE(volumes[0].isThinPool);
  EXPECT_TRUE(volumes[0].active);
  EXPECT_DOUBLE_EQ(volumes[0].dataPercent, 12.5);
  EXPECT_EQ(volumes[1].name, "vc-web1");
  EXPECT_EQ(volumes[1].size, 8_GiB);
  EXPECT_EQ(volumes[1].origin, "vt-debian13");
  EXPECT_FALSE(volumes[1].active);
  EXPECT_FALSE(volumes[1].writable);
  EXPECT_EQ(textFrom("vs.d", volumes[1].tags), "{}");
}

TEST(Lvm, AGroupThatIsNotThereIsNone) {
  EXPECT_TRUE(parseGroups(R"({"report": [{"vg": []}]})").empty());
  const auto groups =
      parseGroups(R"({"report": [{"vg": [{"vg_name":"g","vg_size":"100","vg_free":"40",
    "vg_tags":"vsd,vs.storage=fast","vg_lock_type":"none","lv_count":"2"}]}]})");
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].free, Bytes{40});
  EXPECT_EQ(groups[0].lockType, "");
  EXPECT_EQ(groups[0].volumes, 2U);
}

TEST(Lvm, NonsenseInAReportIsAnError) {
  EXPECT_THROW(parseVolumes("no json"), Error);
  EXPECT_THROW(
      parseVolumes(R"({"report": [{"lv": [{"lv_name":"x","lv_tags":"vsd","lv_size":"much"}]}]})"),
      Error);
}

TEST(Lvm, TextsOfAnyLengthAndBytesGoThroughTags) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t length : {0U, 1U, 2U, 3U, 674U, 675U, 676U, 5000U}) {
    const std::string part = text.substr(0, length);
    const std::vector<std::string> tags = tagsFrom("vs.d", part);
    for (const std::string& tag : tags) {
      EXPECT_LE(tag.size(), 1024U);
      EXPECT_TRUE(std::ranges::all_of(tag, [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("_+.-/=!:&#").find(static_cast<char>(c)) != std::string_view::npos;
      })) << tag;
    }
    EXPECT_EQ(textFrom("vs.d", tags), part) << length;
  }
}

TEST(Lvm, AMissingTagIsNoticed) {
  std::vector<std::string> tags = tagsFrom("vs.d", std::string(3000, 'x'));
  ASSERT_GT(tags.size(), 2U);
  tags.erase(tags.begin() + 1);
  EXPECT_THROW(textFrom("vs.d", tags), Error);
  tags.erase(tags.begin());
  EXPECT_THROW(textFrom("vs.d", tags), Error);
}

TEST(Lvm, AnErrorSaysWhatLvmSaid) {
  FakeRunner runner;
  runner.answer(
      {5, "", "  WARNING: something old.\n  Insufficient free space: 9 extents needed\n"});
  try {
    Lvm(runner).change("grow volume 'x'", {"lvextend", "-L", "1g", "vg/x"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.errnoValue(), ENOSPC);
    EXPECT_EQ(error.text(), "cannot grow volume 'x': Insufficient free space: 9 extents needed");
  }
}

TEST(Lvm, AReportSaysWhatIsWrongInItsLog) {
  FakeRunner runner;
  runner.answer({5,
                 R"({"report": [{"lv": []}], "log": [
                     {"log_type": "error", "log_message": "Volume group \"vg\" not found"},
                     {"log_type": "status", "log_message": "failure"}]})",
                 ""});
  try {
    Lvm(runner).volumes("vg");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "cannot read volume group 'vg': Volume group \"vg\" not found");
    EXPECT_NE(error.hint().find("LUN"), std::string::npos);
  }
}

}  // namespace
}  // namespace vs::storage
