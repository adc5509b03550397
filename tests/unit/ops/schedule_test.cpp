#include "vsd/ops/schedule.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_host.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs {
namespace {

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest() { fake_.add("web"); }

  OperationPicture run(const Operations::Work& work) {
    const auto operation = fake_.operations.start({"test", "web", {}, "root"}, work);
    EXPECT_TRUE(operation->waitEnd(Millis(10'000)));
    return operation->picture();
  }
  OperationPicture keep(const Schedule& schedule) {
    return run([&](Operation& operation) { setSchedule(host_, "web", schedule, operation); });
  }
  OperationPicture runNow() {
    return run([&](Operation& operation) { runSchedule(host_, "web", operation); });
  }
  bool hasWork() { return hasScheduledWork(host_, host_.contexts.find("web")); }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const storage::Snapshot& each : fake_.storage->snapshots) names.push_back(each.name);
    return names;
  }
  void made(const std::string& name, storage::MadeBy by = storage::MadeBy::Schedule) {
    fake_.storage->snapshots.push_back({name, "2026-01-01T00:00:00.000Z", 8_GiB, by});
  }
  // Of months, so that the slot does not change while the test runs, or once in a million years.
  static std::string current() {
    return nameOf(AutoSnapshot{Period::Monthly, slotOf(Period::Monthly, momentNow())});
  }

  test::FakeHost fake_;
  const Host& host_ = fake_.host;
  const Schedule monthly_{{{Period::Monthly, 2}}};
};

TEST_F(ScheduleTest, IsKeptWithTheDefinitionAndTheData) {
  EXPECT_EQ(planSchedule(host_, "web", monthly_).size(), 1U);
  EXPECT_EQ(keep(monthly_).state, OperationState::Done);
  EXPECT_EQ(host_.contexts.find("web").definition.schedule, monthly_);
  EXPECT_EQ(parseJson(fake_.storage->saved, "saved").at("schedule"), (Json{{"monthly", 2}}));
  EXPECT_TRUE(planSchedule(host_, "web", monthly_).empty());
  keep({});
  EXPECT_FALSE(parseJson(fake_.storage->saved, "saved").contains("schedule"));
}

TEST_F(ScheduleTest, IsRefusedWhereThereAreNoSnapshots) {
  fake_.storage->hasSnapshots = false;
  try {
    planSchedule(host_, "web", monthly_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Unsupported);
    EXPECT_EQ(error.text(), "context 'web' lies on storage 'dir', which has no snapshots");
  }
  EXPECT_NO_THROW(planSchedule(host_, "web", {}));
}

TEST_F(ScheduleTest, TakesWhatIsDueOnce) {
  keep(monthly_);
  EXPECT_TRUE(hasWork());
  EXPECT_EQ(runNow().state, OperationState::Done);
  EXPECT_EQ(names(), std::vector{current()});
  EXPECT_FALSE(hasWork());
  runNow();
  EXPECT_EQ(names(), std::vector{current()});
  const std::vector<Rule> rules = showSchedule(host_, "web");
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].kept, 1);
  EXPECT_EQ(rules[0].next, slotAfter(Period::Monthly, momentNow()));
}

TEST_F(ScheduleTest, RemovesOnlyWhatItHasMade) {
  made("auto-monthly-20200101-0000");
  made("auto-monthly-20200201-0000", storage::MadeBy::User);  // before the name was reserved
  made("auto-monthly-20200301-0000");
  made("mine", storage::MadeBy::User);
  made("auto-daily-20200301-0000");
  keep(monthly_);
  runNow();
  EXPECT_EQ(names(),
            (std::vector<std::string>{"auto-monthly-20200201-0000", "auto-monthly-20200301-0000",
                                      "mine", "auto-daily-20200301-0000", current()}));
}

TEST_F(ScheduleTest, RemovesNoneWhenNoneCanBeTaken) {
  made("auto-monthly-20200101-0000");
  made("auto-monthly-20200201-0000");
  keep(monthly_);
  fake_.storage->trouble = "the pool is full";
  const OperationPicture picture = runNow();
  EXPECT_EQ(picture.state, OperationState::Failed);
  EXPECT_EQ(names().size(), 2U);
  EXPECT_EQ(host_.contexts.find("web").snapshotTrouble, "the pool is full");
  fake_.storage->trouble.clear();
  runNow();
  EXPECT_EQ(names(), (std::vector<std::string>{"auto-monthly-20200201-0000", current()}));
  EXPECT_EQ(host_.contexts.find("web").snapshotTrouble, "");
}

TEST_F(ScheduleTest, TellsOfATroubleOnce) {
  testing::internal::CaptureStderr();
  noteScheduleTrouble(host_, "web", "the pool is 99.1 % full");
  noteScheduleTrouble(host_, "web", "the pool is 99.7 % full");
  noteScheduleTrouble(host_, "web", "the disk is gone");
  noteScheduleTrouble(host_, "nobody", "the disk is gone");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("99.1"), std::string::npos);
  EXPECT_EQ(log.find("99.7"), std::string::npos);
  EXPECT_NE(log.find("gone"), std::string::npos);
  EXPECT_EQ(log.find("nobody"), std::string::npos);
}

TEST_F(ScheduleTest, LeavesAVolumeOfAnotherHostAlone) {
  keep(monthly_);
  fake_.storage->isOwner = false;
  fake_.storage->trouble = "the lock is another host's";
  EXPECT_FALSE(hasWork());
  EXPECT_EQ(runNow().state, OperationState::Done);
  EXPECT_TRUE(names().empty());
}

TEST_F(ScheduleTest, HasNamesThatUsersDoNotGive) {
  EXPECT_THROW(checkSnapshotCreate(host_, "web", "auto-mine"), Error);
  EXPECT_NO_THROW(checkSnapshotCreate(host_, "web", "automatic"));
}

}  // namespace
}  // namespace vs
