#include "vsd/schedules.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/ops/schedule.hpp"

namespace vs {
namespace {

constexpr Millis kStep{1'000};
constexpr Millis kFirstPause{10'000};
constexpr Millis kLongestPause{600'000};

}  // namespace

Schedules::Schedules(const Host& host)
    : host_(host), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Schedules::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kStep);
    try {
      lookAtAll();
    } catch (const std::exception& error) {
      log::error("schedules of snapshots: {}, ignoring", error.what());
    }
  }
}

void Schedules::lookAtAll() {
  std::map<std::string, Known> before = std::exchange(known_, {});
  for (const ContextPicture& context : host_.contexts.all()) {
    const std::string& name = context.definition.name;
    if (context.definition.schedule.isEmpty() || context.removing) continue;
    // What is frozen writes nothing, and may be on its way to another host.
    if (context.state == State::Frozen) continue;
    Known& known = known_[name] = before[name];
    if (known.schedule != context.definition.schedule)
      known = {context.definition.schedule, {}, {}};
    look(context, known);
  }
}

void Schedules::look(const ContextPicture& context, Known& known) {
  const std::string& name = context.definition.name;
  const Moment now = momentNow();
  if (now < known.looked) known.next = {};  // the clock was put back
  known.looked = now;
  if (now < known.next || std::chrono::steady_clock::now() < known.again ||
      host_.operations.runningOn(name))
    return;
  try {
    if (!hasScheduledWork(host_, context)) {
      known = {known.schedule, now, nextSlot(known.schedule, now)};
      host_.contexts.setSnapshotTrouble(name, "");
      return;
    }
    begin(name);
  } catch (const Error& error) {
    if (error.kind() == Kind::Busy) return;
    noteScheduleTrouble(host_, name, error.text());
  }
  // Looked at again soon, when all is well there is nothing left to do by then.
  known.next = {};
  known.pause = std::min(known.pause == Millis{} ? kFirstPause : known.pause * 2, kLongestPause);
  known.again = deadlineIn(known.pause);
}

void Schedules::begin(const std::string& name) {
  OperationRequest request{"snapshot auto", name, {}, "vsd", Json{{"name", name}}.dump()};
  request.manner = Manner::Yields;
  host_.operations.start(
      request, [this, name](Operation& operation) { runSchedule(host_, name, operation); });
}

}  // namespace vs
