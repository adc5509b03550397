#include <gtest/gtest.h>

#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"
#include "vsd/storage/shared_engine.hpp"
#include "vsd/storage/shared_setup.hpp"

namespace vs::storage {
namespace {

constexpr const char* kStatus =
    "daemon 14fb0fdd.h2\n    use_watchdog=1\n    write_init_io_timeout=60\n    io_timeout=2\n"
    "    watchdog_fire_timeout=10\n    helper_pid=4805\n";

TEST(SharedSetup, ReadsTheTimesOfLeases) {
  const LeaseTimes times = leaseTimesIn(kStatus);
  EXPECT_EQ(times.ioTimeout, 2);
  EXPECT_EQ(times.watchdogFire, 10);
  EXPECT_EQ(times.leaseLost(), 16);
  EXPECT_EQ(times.hostDead(), 26);
  EXPECT_EQ(LeaseTimes().hostDead(), 140);  // as sanlock has it unless told
  EXPECT_EQ(leaseTimesIn("nothing").ioTimeout, 0);
}

TEST(SharedSetup, KnowsHowLongWritesWaitForAPath) {
  const std::string maps = "360a98 12 chk\n3600508 on\n3624a off\n3624b -\n3624c 40 sec\n";
  EXPECT_EQ(heldBackWithoutPaths(maps, "360a98"), 60);
  EXPECT_EQ(heldBackWithoutPaths(maps, "3600508"), kWithoutEnd);
  EXPECT_EQ(heldBackWithoutPaths(maps, "3624a"), 0);
  EXPECT_EQ(heldBackWithoutPaths(maps, "3624b"), 0);
  EXPECT_EQ(heldBackWithoutPaths(maps, "3624c"), 40);
  EXPECT_EQ(heldBackWithoutPaths(maps, "3624"), 0);
}

// A group of two hosts, as lvm reports it to host h1: 'web' is h1's, 'mail' is h2's in epoch 3.
constexpr const char* kGroup = R"({"report": [{"lv": [
  {"lv_name":"vt-debian13","lv_size":"600000000","pool_lv":"","origin":"","lv_tags":"vsd,vs.host=h2","segtype":"linear",
   "lv_permissions":"read-only"},
  {"lv_name":"vp-web","lv_size":"268435456","pool_lv":"","origin":"","lv_tags":"vsd,vs.host=h1,vs.epoch=1","segtype":"thin-pool"},
  {"lv_name":"vc-web","lv_size":"8589934592","pool_lv":"vp-web","origin":"vt-debian13","lv_tags":"vsd,vs.d0.1=e30","segtype":"thin"},
  {"lv_name":"vp-mail","lv_size":"268435456","pool_lv":"","origin":"","lv_tags":"vsd,vs.host=h2,vs.epoch=3","segtype":"thin-pool"},
  {"lv_name":"vc-mail","lv_size":"8589934592","pool_lv":"vp-mail","origin":"vt-debian13","lv_tags":"vsd,vs.d0.1=e30","segtype":"thin"},
  {"lv_name":"vp-half","lv_size":"268435456","pool_lv":"","origin":"","lv_tags":"vsd,vs.host=h1,vs.epoch=1","segtype":"thin-pool"}
  ]}]})";

class SharedGroup : public testing::Test {
 protected:
  void SetUp() override {  // what is known is asked anew after a second
    for (int i = 0; i < 8; ++i) runner_.answer({0, kGroup, ""});
  }

  FakeRunner runner_;
  Paths paths_{"/nowhere", ""};
  SharedEngine engine_{"pool1", "vsd-pool1", "h1", paths_, runner_};
};

TEST_F(SharedGroup, HasOnlyItsOwnVolumes) {
  EXPECT_TRUE(engine_.hasVolume("web"));
  EXPECT_FALSE(engine_.hasVolume("mail"));
  EXPECT_FALSE(engine_.hasVolume("half"));
  // One question serves all three (unless this took a second), and takes no lock.
  EXPECT_LE(runner_.ran.size(), 3U);
  EXPECT_NE(runner_.ran[0].find("--nolocking"), std::string::npos);
}

TEST_F(SharedGroup, KnowsWhoseTheOthersAre) {
  const auto owner = engine_.ownerOf("mail");
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->host, "h2");
  EXPECT_EQ(owner->epoch, 3U);
  EXPECT_FALSE(engine_.ownerOf("nobody"));
}

TEST_F(SharedGroup, ChangesNothingOfOthers) {
  for (const auto& change : std::initializer_list<std::function<void()>>{
           [&] { engine_.attach("mail"); }, [&] { engine_.saveDefinition("mail", "{}"); },
           [&] { engine_.rename("mail", "post"); }, [&] { engine_.release("mail"); }}) {
    try {
      change();
      FAIL() << "it was done";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::Busy);
      EXPECT_NE(error.text().find("belongs to host 'h2' (epoch 3)"), std::string::npos);
    }
  }
  for (const std::string& line : runner_.ran) EXPECT_NE(line.find("lvm lvs"), std::string::npos);
}

TEST_F(SharedGroup, RefusesTheWrongEpoch) {
  try {
    engine_.takeOver("mail", 3);
    FAIL() << "it was done";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidState);
  }
}

TEST(LvmNames, AreWrittenAsTheDevicesAre) {
  EXPECT_EQ(deviceName("vsd-pool1", "vc-web-2"), "vsd--pool1-vc--web--2");
  EXPECT_EQ(volumeOfDevice("vsd-pool1", "vsd--pool1-vc--web--2"), "vc-web-2");
  EXPECT_EQ(epochVolume("web", 7), "ve-web.7");
}

TEST(LvmNames, OfAnotherGroupAreNotTakenForThisOnes) {
  EXPECT_TRUE(isDeviceOf("vsd-pool1", "vsd--pool1-vp--web_tdata"));
  EXPECT_FALSE(isDeviceOf("vsd-pool1", deviceName("vsd-pool1-b", "vp-web_tdata")));
  EXPECT_FALSE(isDeviceOf("vsd-pool1", deviceName("vsd-pool", "vp-web")));
  EXPECT_FALSE(isDeviceOf("vsd-pool1", "vsd--pool1-"));
}

// What lvcreate is told of the size of a template of `content`, in a group of that file system.
std::string sizeAskedFor(const std::string& tags, const std::string& free, Bytes content) {
  FakeRunner runner;
  runner.answer({0, R"({"report": [{"lv": []}]})", ""});
  runner.answer(
      {0,
       fmt::format(
           R"({{"report": [{{"vg": [{{"vg_name":"vsd-pool1","vg_size":"100000000000",)"
           R"("vg_free":"{}","vg_tags":"{}","vg_lock_type":"sanlock","lv_count":"1","vg_missing_pv_count":"0"}}]}}]}})",
           free, tags),
       ""});
  const Paths paths{"/nowhere", ""};
  SharedEngine engine{"pool1", "vsd-pool1", "h1", paths, runner};
  try {
    engine.beginTemplate("big", content);
  } catch (const std::logic_error&) {  // no answer for lvcreate
  }
  const std::string& line = runner.ran.back();
  const std::size_t at = line.find(" -L ");
  return at == std::string::npos ? line : line.substr(at + 4, line.find(' ', at + 4) - at - 4);
}

TEST(SharedTemplate, IsAsLargeAsWhatItWillHoldWants) {
  // 10 GiB of files, a quarter more, and half a GiB for the file system; ext4 is shrunk later.
  EXPECT_EQ(sizeAskedFor("vsd", "90000000000", 10_GiB), "13958643712b");
  EXPECT_EQ(sizeAskedFor("vsd", "90000000000", 100_MiB), "4294967296b");
  EXPECT_EQ(sizeAskedFor("vsd,vs.fs=xfs", "90000000000", 100_MiB), "666894336b");
  try {
    sizeAskedFor("vsd", "9000000000", 10_GiB);
    FAIL() << "there is no room for it";
  } catch (const Error& error) {
    EXPECT_EQ(error.errnoValue(), ENOSPC);
    EXPECT_NE(error.text().find("takes up to 13G, and 8.4G are free"), std::string::npos)
        << error.text();
  }
}

TEST_F(SharedGroup, ATemplateThatContextsLieAboveStays) {
  // It was marked when its removal was cut off: what lies above it must not go with it.
  try {
    engine_.removeTemplate("debian13");
    FAIL() << "it was removed";
  } catch (const std::logic_error&) {
    FAIL() << "lvm was asked for more than was expected";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Busy);
  }
  for (const std::string& line : runner_.ran)
    EXPECT_EQ(line.find("lvm lvremove"), std::string::npos) << line;
}

}  // namespace
}  // namespace vs::storage
