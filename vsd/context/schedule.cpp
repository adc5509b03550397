#include "vsd/context/schedule.hpp"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

using namespace std::chrono;

constexpr std::array<std::pair<Period, std::string_view>, 5> kWords{{{Period::Minutely, "minutely"},
                                                                     {Period::Hourly, "hourly"},
                                                                     {Period::Daily, "daily"},
                                                                     {Period::Weekly, "weekly"},
                                                                     {Period::Monthly, "monthly"}}};

std::optional<Period> periodFrom(std::string_view word) {
  for (const auto& [period, candidate] : kWords)
    if (candidate == word) return period;
  return std::nullopt;
}

// 1970 began on a Thursday.
constexpr days kFirstMonday{4};

bool isOfTheFuture(const AutoSnapshot& snapshot, Moment now) {
  return snapshot.slot > slotAfter(snapshot.period, now);
}

std::vector<AutoSnapshot> ofPeriod(const std::vector<std::string>& made, Period period,
                                   Moment now) {
  std::vector<AutoSnapshot> found;
  for (const std::string& name : made)
    if (const auto snapshot = autoSnapshotFrom(name); snapshot && snapshot->period == period)
      found.push_back(*snapshot);
  std::ranges::sort(found, {}, [now](const AutoSnapshot& snapshot) {
    return std::tuple(!isOfTheFuture(snapshot, now), snapshot.slot);
  });
  return found;
}

}  // namespace

std::string_view nameOf(Period period) { return kWords[static_cast<std::size_t>(period)].second; }

Moment momentNow() { return floor<seconds>(system_clock::now()); }

Moment slotOf(Period period, Moment at) {
  switch (period) {
    case Period::Minutely:
      return floor<minutes>(at);
    case Period::Hourly:
      return floor<hours>(at);
    case Period::Daily:
      return floor<days>(at);
    case Period::Weekly:
      return floor<weeks>(at - kFirstMonday) + kFirstMonday;
    case Period::Monthly: {
      const year_month_day date(floor<days>(at));
      return sys_days(date.year() / date.month() / 1);
    }
  }
  return at;
}

Moment slotAfter(Period period, Moment at) {
  const Moment slot = slotOf(period, at);
  switch (period) {
    case Period::Minutely:
      return slot + minutes(1);
    case Period::Hourly:
      return slot + hours(1);
    case Period::Daily:
      return slot + days(1);
    case Period::Weekly:
      return slot + weeks(1);
    case Period::Monthly: {
      const year_month_day date(floor<days>(slot));
      return sys_days(date + months(1));
    }
  }
  return slot;
}

Json toJson(const Schedule& schedule) {
  Json json = Json::object();
  for (const auto& [period, keep] : schedule.keep) json[std::string(nameOf(period))] = keep;
  return json;
}

Schedule scheduleFrom(const Json& json) {
  if (!json.is_object()) throw invalid("a schedule is not an object");
  Schedule schedule;
  for (const auto& [word, value] : json.items()) {
    const std::optional<Period> period = periodFrom(word);
    if (!period)
      throw invalid("the period '{}' is unknown", printable(word))
          .withHint("choose from minutely, hourly, daily, weekly and monthly");
    if (value.is_null()) continue;
    if (!value.is_number_integer() || value < 1 || value > kMostKept)
      throw invalid("the number of {} snapshots must lie between 1 and {}", word, kMostKept);
    schedule.keep[*period] = value.get<int>();
  }
  return schedule;
}

std::string describe(const Schedule& schedule) {
  std::string text;
  for (const auto& [period, keep] : schedule.keep)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", keep, nameOf(period));
  return text.empty() ? "none" : text;
}

std::string nameOf(const AutoSnapshot& snapshot) {
  const year_month_day date(floor<days>(snapshot.slot));
  const hh_mm_ss time(snapshot.slot - floor<days>(snapshot.slot));
  return fmt::format("{}{}-{:04}{:02}{:02}-{:02}{:02}", kAutoPrefix, nameOf(snapshot.period),
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count());
}

std::optional<AutoSnapshot> autoSnapshotFrom(const std::string& name) {
  if (!name.starts_with(kAutoPrefix)) return std::nullopt;
  const std::size_t dash = name.find('-', kAutoPrefix.size());
  if (dash == std::string::npos) return std::nullopt;
  const auto period = periodFrom(name.substr(kAutoPrefix.size(), dash - kAutoPrefix.size()));
  int y = 0;
  unsigned mo = 0;
  unsigned d = 0;
  int h = 0;
  int mi = 0;
  if (!period || std::sscanf(name.c_str() + dash, "-%4d%2u%2u-%2d%2d", &y, &mo, &d, &h, &mi) != 5)
    return std::nullopt;
  const year_month_day date{year(y), month(mo), day(d)};
  if (!date.ok()) return std::nullopt;
  const AutoSnapshot snapshot{*period, sys_days(date) + hours(h) + minutes(mi)};
  // Only what would be written like this was: no other numbers of digits, nothing after them.
  if (nameOf(snapshot) != name) return std::nullopt;
  return snapshot;
}

std::vector<std::string> dueAt(const Schedule& schedule, const std::vector<std::string>& made,
                               Moment now) {
  std::vector<std::string> due;
  for (const auto& [period, keep] : schedule.keep) {
    const std::vector<AutoSnapshot> there = ofPeriod(made, period, now);
    const auto isThere = [&](Moment slot) {
      return std::ranges::find(there, slot, &AutoSnapshot::slot) != there.end();
    };
    if (!isThere(slotOf(period, now)) && !isThere(slotAfter(period, now)))
      due.push_back(nameOf(AutoSnapshot{period, slotOf(period, now)}));
  }
  return due;
}

std::vector<std::string> expiredAt(const Schedule& schedule, const std::vector<std::string>& made,
                                   Moment now) {
  std::vector<std::string> expired;
  for (const auto& [period, keep] : schedule.keep) {
    const std::vector<AutoSnapshot> there = ofPeriod(made, period, now);
    for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < there.size(); ++i)
      expired.push_back(nameOf(there[i]));
  }
  return expired;
}

Moment nextSlot(const Schedule& schedule, Moment now) {
  Moment next = Moment::max();
  for (const auto& [period, keep] : schedule.keep) next = std::min(next, slotAfter(period, now));
  return next;
}

}  // namespace vs
