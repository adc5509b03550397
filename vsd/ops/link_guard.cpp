#include "vsd/ops/link_guard.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/ops/links.hpp"

namespace vs {
namespace {

constexpr Millis kPeriod{1'000};
// What changes comes in many messages; until so long after the last of them nothing is looked at,
// but no longer than kPatience after the first.
constexpr Millis kCalm{200};
constexpr Millis kPatience{2'000};

}  // namespace

LinkGuard::LinkGuard(const Host& host)
    : host_(host), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void LinkGuard::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      listen(stop);
    } catch (const std::exception& error) {
      log::error("cannot watch links and firewalls: {}; trying again", error.what());
      std::this_thread::sleep_for(kPeriod);
    }
  }
}

void LinkGuard::listen(const std::stop_token& stop) {
  netfw::Watch watch;
  netfw::Heard everything;
  everything.missed = true;
  suspect(everything);
  while (!stop.stop_requested()) {
    lookAtSuspects();
    netfw::Heard heard = watch.wait(kPeriod);
    const Deadline latest = deadlineIn(kPatience);
    while (heard.any()) {
      suspect(heard);
      if (std::chrono::steady_clock::now() >= latest) break;
      heard = watch.wait(kCalm);
    }
  }
}

void LinkGuard::suspect(const netfw::Heard& heard) {
  for (const ContextPicture& context : host_.contexts.all()) {
    if (!context.running || context.definition.links.empty()) continue;
    if (heard.devices || heard.missed || usesTable(context.definition, heard.tables))
      suspects_.insert(context.definition.name);
  }
}

// One that an operation works on is looked at afterwards.
void LinkGuard::lookAtSuspects() {
  for (const std::string& name : std::set(suspects_)) {
    const auto context = host_.contexts.findIfAny(name);
    if (context && context->running && host_.operations.runningOn(name)) continue;
    suspects_.erase(name);
    if (!context || !context->running || linkProblems(host_, *context).empty()) continue;
    OperationRequest request{"mend links", name, {}, "vsd", Json{{"name", name}}.dump()};
    request.manner = Manner::Yields;  // a stop need not wait, and a start does it anyway
    host_.operations.start(request, [host = &host_, name](Operation& operation) {
      const ContextPicture now = host->contexts.find(name);
      operation.step("look at its links");
      const std::vector<std::string> problems = linkProblems(*host, now);
      if (problems.empty()) return;
      for (const std::string& problem : problems) {
        log::warning("{}: mending it", problem);
        operation.note(problem);
      }
      operation.step("mend them");
      mendLinks(*host, now);
    });
  }
}

}  // namespace vs
