#include "vsd/surveys.hpp"

#include "vsd/base/log.hpp"
#include "vsd/ops/obstacles.hpp"

namespace vs {
namespace {

constexpr Millis kStep{1'000};
constexpr Millis kFirst{3'000};
constexpr Millis kPause{30'000};

}  // namespace

Surveys::Surveys(const Host& host)
    : host_(host), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Surveys::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kStep);
    try {
      lookAtAll();
    } catch (const std::exception& error) {
      log::error("surveys of contexts: {}, ignoring", error.what());
    }
  }
}

void Surveys::lookAtAll() {
  std::map<std::string, Known> before = std::exchange(known_, {});
  for (const ContextPicture& context : host_.contexts.all()) {
    if (!context.running) continue;
    const std::string& name = context.definition.name;
    Known& known = known_[name] = before[name];
    if (known.run.lock() != context.running) known = {context.running, deadlineIn(kFirst)};
    if (std::chrono::steady_clock::now() < known.next) continue;
    lookForObstacles(host_, name);
    known.next = deadlineIn(kPause);
  }
}

}  // namespace vs
