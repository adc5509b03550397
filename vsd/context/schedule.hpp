// When snapshots of a context are taken without being asked for, and how many of them are kept.
// Arithmetic only, in UTC: what time it is and what there is are told.
//
// Time is cut into slots: minutes, hours, days, weeks (from Monday on), months. To each slot of a
// period belongs one snapshot, which bears the beginning of the slot in its name, whenever in it it
// was taken:
//
//   auto-hourly-20261121-2100
//
// So the names tell what is due: the snapshot of the slot that it is now, as long as there is none.
// What was missed while nobody was there to take it is taken once, for that slot, not for each.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vs {

enum class Period { Minutely, Hourly, Daily, Weekly, Monthly };
inline constexpr std::array kPeriods{Period::Minutely, Period::Hourly, Period::Daily,
                                     Period::Weekly, Period::Monthly};
std::string_view nameOf(Period period);

using Moment = std::chrono::sys_seconds;
Moment momentNow();

// The beginning of the slot that `at` lies in, and of the one after it.
Moment slotOf(Period period, Moment at);
Moment slotAfter(Period period, Moment at);

struct Schedule {
  std::map<Period, int> keep;  // how many of each
  bool operator==(const Schedule&) const = default;
  bool isEmpty() const { return keep.empty(); }
};
inline constexpr int kMostKept = 366;  // of one period

nlohmann::json toJson(const Schedule& schedule);  // {"hourly": 24}
// Throws InvalidParameter for unknown periods and impossible numbers.
Schedule scheduleFrom(const nlohmann::json& json);
std::string describe(const Schedule& schedule);  // "24 hourly, 7 daily", "none"

// What all names begin with that a schedule gives.
inline constexpr std::string_view kAutoPrefix = "auto-";

struct AutoSnapshot {
  Period period = Period::Hourly;
  Moment slot;
  bool operator==(const AutoSnapshot&) const = default;
};
std::string nameOf(const AutoSnapshot& snapshot);
std::optional<AutoSnapshot> autoSnapshotFrom(const std::string& name);

// `made` are the names of what schedules have made. A clock that was put back leaves snapshots of
// slots to come: those count as the oldest, but for one of the very next slot, which is the newest,
// and instead of which none is taken.
std::vector<std::string> dueAt(const Schedule& schedule, const std::vector<std::string>& made,
                               Moment now);
// Those beyond the number that is kept, the oldest first. Of a period that is not in the schedule
// all are kept.
std::vector<std::string> expiredAt(const Schedule& schedule, const std::vector<std::string>& made,
                                   Moment now);
// When the next slot of any of its periods begins; not of an empty schedule.
Moment nextSlot(const Schedule& schedule, Moment now);

}  // namespace vs
