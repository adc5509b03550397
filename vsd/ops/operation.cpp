#include "vsd/ops/operation.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "vsd/base/log.hpp"

namespace vs {
namespace {

constexpr std::array<std::pair<OperationState, std::string_view>, 5> kStates{{
    {OperationState::Running, "running"},
    {OperationState::Done, "done"},
    {OperationState::Failed, "failed"},
    {OperationState::Cancelled, "cancelled"},
    {OperationState::Interrupted, "interrupted"},
}};

void dieHereWhenAsked(const std::string& verb, const std::string& step) {
  static const char* const path = std::getenv("VSD_KILL_AT");
  if (path == nullptr) return;
  std::string wanted;
  std::getline(std::ifstream(path), wanted);
  if (wanted != verb + "/" + step) return;
  ::unlink(path);
  ::kill(::getpid(), SIGKILL);
}

Millis sinceThen(Deadline then) {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - then);
}

}  // namespace

std::string_view nameOf(OperationState state) {
  for (const auto& [value, name] : kStates)
    if (value == state) return name;
  return "failed";
}

std::optional<OperationState> operationStateFrom(std::string_view text) {
  for (const auto& [value, name] : kStates)
    if (name == text) return value;
  return std::nullopt;
}

std::string_view nameOf(StepState state) {
  switch (state) {
    case StepState::Running:
      return "running";
    case StepState::Done:
      return "done";
    case StepState::Failed:
      return "failed";
    case StepState::Undone:
      return "undone";
  }
  return "failed";
}

Operation::Operation(std::string id, std::string verb, std::string object, std::string user) {
  picture_.id = std::move(id);
  picture_.verb = std::move(verb);
  picture_.object = std::move(object);
  picture_.user = std::move(user);
  picture_.started = now();
}

void Operation::step(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_ && !pastReturn_)
      throw Error(Kind::Cancelled, fmt::format("{} of '{}' was cancelled before the step '{}'",
                                               picture_.verb, picture_.object, name));
    if (!picture_.steps.empty()) {
      picture_.steps.back().state = StepState::Done;
      picture_.steps.back().duration = sinceThen(stepStarted_);
    }
    picture_.steps.push_back({name, StepState::Running, std::nullopt});
    picture_.progress.reset();
    stepStarted_ = std::chrono::steady_clock::now();
  }
  log::debug("operation {} ({} '{}'): {}", picture_.id, picture_.verb, picture_.object, name);
  changed();
  dieHereWhenAsked(picture_.verb, name);
}

void Operation::progress(int percent) {
  {
    const std::lock_guard lock(mutex_);
    if (picture_.progress == percent) return;
    picture_.progress = percent;
  }
  changed();
}

void Operation::note(std::string text) {
  const std::lock_guard lock(mutex_);
  picture_.notes.push_back(std::move(text));
}

void Operation::passPointOfNoReturn() {
  const std::lock_guard lock(mutex_);
  if (cancelled_)
    throw Error(Kind::Cancelled,
                fmt::format("{} of '{}' was cancelled", picture_.verb, picture_.object));
  pastReturn_ = true;
}

OperationPicture Operation::picture() const {
  const std::lock_guard lock(mutex_);
  return picture_;
}

bool Operation::isFinished() const {
  const std::lock_guard lock(mutex_);
  return picture_.state != OperationState::Running;
}

bool Operation::waitEnd(Millis time) const {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, time, [this] { return picture_.state != OperationState::Running; });
}

void Operation::cancel() {
  const std::lock_guard lock(mutex_);
  if (picture_.state != OperationState::Running)
    throw Error(Kind::InvalidState, fmt::format("operation {} has ended already ({})", picture_.id,
                                                nameOf(picture_.state)));
  if (pastReturn_)
    throw Error(
        Kind::InvalidState,
        fmt::format("operation {} ({} '{}') has passed its point of no return and will be finished",
                    picture_.id, picture_.verb, picture_.object));
  cancelled_ = true;
}

void Operation::cancelIfPossible() {
  const std::lock_guard lock(mutex_);
  if (!pastReturn_) cancelled_ = true;
}

std::shared_ptr<void> Operation::observe(Observer observer) {
  auto kept = std::make_shared<Observer>(std::move(observer));
  const std::lock_guard lock(mutex_);
  observers_.push_back(kept);
  return kept;
}

void Operation::finish(OperationState state, std::optional<Error> error, const Recorder& record) {
  OperationPicture ended = picture();
  if (!ended.steps.empty() && ended.steps.back().state == StepState::Running) {
    ended.steps.back().state = state == OperationState::Done ? StepState::Done : StepState::Failed;
    ended.steps.back().duration = sinceThen(stepStarted_);
  }
  // What an error leaves behind is taken back by then: say so of the steps that had been done.
  if (state != OperationState::Done)
    for (Step& step : ended.steps)
      if (step.state == StepState::Done) step.state = StepState::Undone;
  ended.state = state;
  ended.finished = now();
  ended.error = std::move(error);
  if (ended.error && !ended.steps.empty() && ended.error->step().empty())
    ended.error->withStep(ended.steps.back().name);
  record(ended);
  {
    const std::lock_guard lock(mutex_);
    picture_ = std::move(ended);
  }
  ended_.notify_all();
  changed();
}

void Operation::changed() {
  std::vector<std::shared_ptr<Observer>> alive;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(observers_, [](const auto& observer) { return observer.expired(); });
    for (const auto& observer : observers_)
      if (auto kept = observer.lock()) alive.push_back(std::move(kept));
  }
  for (const auto& observer : alive) (*observer)();
}

}  // namespace vs
