#include "vsd/context/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

using namespace std::chrono;
using Names = std::vector<std::string>;

Moment at(int y, unsigned mo, unsigned d, int h = 0, int mi = 0, int s = 0) {
  return sys_days(year(y) / month(mo) / day(d)) + hours(h) + minutes(mi) + seconds(s);
}

const Moment kNow = at(2026, 11, 21, 21, 17, 30);  // a Saturday

TEST(Slots, BeginWhereThePeriodDoes) {
  EXPECT_EQ(slotOf(Period::Minutely, kNow), at(2026, 11, 21, 21, 17));
  EXPECT_EQ(slotOf(Period::Hourly, kNow), at(2026, 11, 21, 21));
  EXPECT_EQ(slotOf(Period::Daily, kNow), at(2026, 11, 21));
  EXPECT_EQ(slotOf(Period::Weekly, kNow), at(2026, 11, 16));  // a Monday
  EXPECT_EQ(slotOf(Period::Monthly, kNow), at(2026, 11, 1));
  for (const Period period : kPeriods) {
    const Moment slot = slotOf(period, kNow);
    EXPECT_EQ(slotOf(period, slot), slot) << nameOf(period);
    EXPECT_EQ(slotOf(period, slotAfter(period, kNow) - seconds(1)), slot) << nameOf(period);
    EXPECT_EQ(slotOf(period, slotAfter(period, kNow)), slotAfter(period, kNow)) << nameOf(period);
  }
  EXPECT_EQ(slotAfter(Period::Weekly, kNow), at(2026, 11, 23));
  EXPECT_EQ(slotAfter(Period::Monthly, at(2026, 12, 31, 23, 59)), at(2027, 1, 1));
  EXPECT_EQ(slotAfter(Period::Daily, at(2028, 2, 28, 12)), at(2028, 2, 29));
}

TEST(AutoSnapshots, AreRecognisedByTheirNamesAndSortByThem) {
  const AutoSnapshot snapshot{Period::Hourly, at(2026, 11, 21, 21)};
  EXPECT_EQ(nameOf(snapshot), "auto-hourly-20261121-2100");
  for (const Period period : kPeriods) {
    const AutoSnapshot of{period, slotOf(period, kNow)};
    EXPECT_TRUE(isValidName(nameOf(of))) << nameOf(of);
    EXPECT_EQ(autoSnapshotFrom(nameOf(of)), of);
    EXPECT_LT(nameOf(of), nameOf(AutoSnapshot{period, slotAfter(period, kNow)}));
  }
  for (const char* other :
       {"20261121-210000", "auto-hourly-20261121", "auto-yearly-20261121-2100",
        "auto-hourly-20261121-21000", "auto-hourly-20261321-2100", "auto-hourly-2026112-12100",
        "auto-hourly-20261121-2560", "auto-hourly", "auto-", ""})
    EXPECT_FALSE(autoSnapshotFrom(other)) << other;
}

const Schedule kSchedule{{{Period::Hourly, 3}, {Period::Daily, 2}}};

TEST(Due, IsTheSlotOfNowOfEachPeriod) {
  EXPECT_EQ(dueAt(kSchedule, {}, kNow),
            (Names{"auto-hourly-20261121-2100", "auto-daily-20261121-0000"}));
  EXPECT_EQ(dueAt(kSchedule, {"auto-daily-20261121-0000"}, kNow),
            Names{"auto-hourly-20261121-2100"});
  EXPECT_EQ(dueAt(kSchedule, {"auto-daily-20261121-0000", "auto-hourly-20261121-2100"}, kNow),
            Names{});
  EXPECT_EQ(dueAt({}, {}, kNow), Names{});
}

TEST(Due, IsOneAfterALongTimeThatNobodyWasThere) {
  const Names old{"auto-daily-20261001-0000", "auto-hourly-20261001-0900"};
  EXPECT_EQ(dueAt(kSchedule, old, kNow),
            (Names{"auto-hourly-20261121-2100", "auto-daily-20261121-0000"}));
}

TEST(Due, IsNothingWhenTheClockWentBackALittle) {
  // Taken at 22:00:00; then the clock was put back by a second, and by two.
  const Names made{"auto-daily-20261121-0000", "auto-hourly-20261121-2200"};
  EXPECT_EQ(dueAt(kSchedule, made, at(2026, 11, 21, 21, 59, 59)), Names{});
  EXPECT_EQ(
      expiredAt({{{Period::Hourly, 1}}}, {"auto-hourly-20261121-2100", "auto-hourly-20261121-2200"},
                at(2026, 11, 21, 21, 59, 58)),
      Names{"auto-hourly-20261121-2100"});
}

TEST(Due, GoesOnWhenTheClockWasFarAheadAndIsSetRight) {
  const Names made{"auto-hourly-20310101-0000", "auto-daily-20310101-0000"};
  EXPECT_EQ(dueAt(kSchedule, made, kNow),
            (Names{"auto-hourly-20261121-2100", "auto-daily-20261121-0000"}));
}

TEST(Expired, IsWhatIsBeyondTheNumberTheOldestFirst) {
  const Names made{"auto-hourly-20261121-1900", "auto-hourly-20261121-1700",
                   "auto-hourly-20261121-2100", "auto-hourly-20261121-1800",
                   "auto-hourly-20261121-2000", "auto-daily-20261121-0000"};
  EXPECT_EQ(expiredAt(kSchedule, made, kNow),
            (Names{"auto-hourly-20261121-1700", "auto-hourly-20261121-1800"}));
}

TEST(Expired, IsNothingAsLongAsThereAreNoMoreThanTheNumber) {
  // However old: what cannot be replaced stays.
  const Names made{"auto-hourly-20200101-0000", "auto-hourly-20200101-0100",
                   "auto-hourly-20200101-0200"};
  EXPECT_EQ(expiredAt(kSchedule, made, kNow), Names{});
}

TEST(Expired, OfAPeriodThatIsScheduledNoMoreIsNothing) {
  const Names made{"auto-weekly-20200106-0000", "auto-weekly-20200113-0000"};
  EXPECT_EQ(expiredAt(kSchedule, made, kNow), Names{});
}

TEST(Expired, CountsThoseOfAClockThatWasAheadAsTheOldest) {
  const Names made{"auto-hourly-20310101-0100", "auto-hourly-20310101-0000",
                   "auto-hourly-20261121-1900", "auto-hourly-20261121-2000",
                   "auto-hourly-20261121-2100"};
  EXPECT_EQ(expiredAt(kSchedule, made, kNow),
            (Names{"auto-hourly-20310101-0000", "auto-hourly-20310101-0100"}));
}

// Every second of three days, with a vsd that is away for seven hours: at each moment the newest
// are there, none is taken twice.
TEST(Schedules, KeepTheNewestThroughDays) {
  Names made;
  int taken = 0;
  const Moment begin = at(2026, 11, 20, 22, 59);
  for (Moment now = begin; now < begin + days(3); now += seconds(20)) {
    if (now - begin > hours(30) && now - begin < hours(37)) continue;
    const Names due = dueAt(kSchedule, made, now);
    taken += static_cast<int>(due.size());
    made.insert(made.end(), due.begin(), due.end());
    for (const std::string& name : expiredAt(kSchedule, made, now)) std::erase(made, name);
    ASSERT_TRUE(dueAt(kSchedule, made, now).empty());
    ASSERT_LE(made.size(), 5U);
  }
  EXPECT_EQ(taken, 73 - 7 + 1 + 4);  // hours, those away for but the last, and days
  std::ranges::sort(made);
  EXPECT_EQ(made, (Names{"auto-daily-20261122-0000", "auto-daily-20261123-0000",
                         "auto-hourly-20261123-2000", "auto-hourly-20261123-2100",
                         "auto-hourly-20261123-2200"}));
}

TEST(Schedules, SayWhenToLookAgain) {
  EXPECT_EQ(nextSlot(kSchedule, kNow), at(2026, 11, 21, 22));
  EXPECT_EQ(nextSlot({{{Period::Daily, 1}, {Period::Monthly, 1}}}, at(2026, 11, 30, 12)),
            at(2026, 12, 1));
}

TEST(Schedules, SurviveJson) {
  const Json json{{"hourly", 24}, {"monthly", 12}};
  EXPECT_EQ(toJson(scheduleFrom(json)), json);
  EXPECT_EQ(describe(scheduleFrom(json)), "24 hourly, 12 monthly");
  EXPECT_TRUE(scheduleFrom(Json{{"daily", nullptr}}).isEmpty());
  for (const Json& bad : {Json{{"hourly", 0}}, Json{{"hourly", 367}}, Json{{"hourly", "x"}},
                          Json{{"yearly", 1}}, Json::array()})
    EXPECT_THROW(scheduleFrom(bad), Error) << bad;
}

}  // namespace
}  // namespace vs
