#include <gtest/gtest.h>

#include "tests/support/fake_runner.hpp"
#include "vsd/storage/lvm_room.hpp"
#include "vsd/storage/thin_engine.hpp"

namespace vs::storage {
namespace {

TEST(Room, IsTakenWholeWhereThereIsPlentyAndSharedWhereNot) {
  EXPECT_EQ(shareOf(10_MiB, 1), 10_MiB);
  EXPECT_EQ(shareOf(10_GiB, 5), 10_GiB);
  EXPECT_EQ(shareOf(8_GiB, 5).value, (8_GiB).value / 5);
  EXPECT_EQ(shareOf({0}, 3), Bytes{0});
}

TEST(Room, LeavesTheReserve) {
  VolumeGroup group;
  group.size = 100_GiB;
  group.free = 10_GiB;
  Growth how;
  how.reserve = 5;
  EXPECT_EQ(growthIn(group, how), 5_GiB);
  group.free = 4_GiB;
  EXPECT_EQ(growthIn(group, how), Bytes{0});
}

TEST(Room, GrowsOnTheReserveOnlyWhenAPoolIsNearlyFull) {
  EXPECT_EQ(stepOf(256_MiB, 1_GiB, 2_GiB, false).size, 256_MiB);
  EXPECT_EQ(stepOf(256_MiB, {(100_MiB).value + 7}, 2_GiB, false).size, 100_MiB);
  EXPECT_EQ(stepOf(256_MiB, {0}, 2_GiB, false).size, Bytes{0});
  const Step last = stepOf(256_MiB, {0}, 2_GiB, true);
  EXPECT_EQ(last.size, 64_MiB);
  EXPECT_TRUE(last.fromReserve);
  EXPECT_EQ(stepOf(256_MiB, 3_MiB, 6_MiB, true).size, 4_MiB);
  EXPECT_EQ(stepOf(256_MiB, {0}, 1_MiB, true).size, Bytes{0});
}

TEST(Room, CountsWhatContextsArePromised) {
  FakeRunner runner;
  runner.answer({0, R"({"report": [{"vg": [{"vg_name":"vsd-fast","vg_size":"10737418240",
      "vg_free":"1073741824","vg_tags":"","vg_lock_type":"","lv_count":"3"}]}]})",
                 ""});
  runner.answer({0, R"({"report": [{"lv": [
      {"lv_name":"vs-pool","lv_size":"9663676416","pool_lv":"","origin":"","lv_tags":"vsd","segtype":"thin-pool"},
      {"lv_name":"vt-debian13","lv_size":"8589934592","pool_lv":"vs-pool","origin":"","lv_tags":"vsd","segtype":"thin"},
      {"lv_name":"vc-web.before","lv_size":"8589934592","pool_lv":"vs-pool","origin":"vc-web","lv_tags":"vsd","segtype":"thin"},
      {"lv_name":"vc-web","lv_size":"8589934592","pool_lv":"vs-pool","origin":"vt-debian13","lv_tags":"vsd","segtype":"thin"}
      ]}]})",
                 ""});
  const Paths paths{"/nowhere", ""};
  const ThinEngine engine("fast", "vsd-fast", paths, runner);
  const auto promise = engine.promise(Millis(1000));
  ASSERT_TRUE(promise);
  EXPECT_EQ(promise->promised, 8_GiB);
  EXPECT_EQ(promise->capacity, 10_GiB);
  engine.promise(Millis(60'000));
  EXPECT_EQ(runner.ran.size(), 2U);  // known from then on
}

}  // namespace
}  // namespace vs::storage
