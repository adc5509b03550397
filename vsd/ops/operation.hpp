// An operation: one changing piece of work, on a thread of its own, told step by step. It can be
// watched, waited for and cancelled; its journal row survives vsd.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/error.hpp"
#include "vsd/base/units.hpp"

namespace vs {

enum class OperationState { Running, Done, Failed, Cancelled, Interrupted };
std::string_view nameOf(OperationState state);
std::optional<OperationState> operationStateFrom(std::string_view name);

enum class StepState { Running, Done, Failed, Undone };
std::string_view nameOf(StepState state);

struct Step {
  std::string name;
  StepState state = StepState::Running;
  std::optional<Millis> duration;
};

// A copy of an operation's picture at one moment.
struct OperationPicture {
  std::string id;
  std::string verb;
  std::string object;
  std::string user;
  OperationState state = OperationState::Running;
  std::vector<Step> steps;
  std::optional<int> progress;
  std::string started;
  std::string finished;
  std::optional<Error> error;
  std::vector<std::string> notes;
};

class Operation {
 public:
  Operation(std::string id, std::string verb, std::string object, std::string user);

  // --- for the verb that runs it ---
  // Ends the step before and begins the next; the one place where a cancel is noticed (throws
  // Kind::Cancelled). When the file that VSD_KILL_AT of the environment names holds "VERB/STEP" of
  // this step, vsd removes the file and kills itself here: that is how tests prove that every step
  // may be the last.
  void step(const std::string& name);
  void progress(int percent);
  void note(std::string text);
  bool isCancelled() const { return cancelled_; }
  // After this point a cancel is refused: the work will be finished.
  void passPointOfNoReturn();

  // --- for those who watch ---
  OperationPicture picture() const;
  bool isFinished() const;
  // True when it ended before the time was over.
  bool waitEnd(Millis time) const;
  // Throws InvalidState when it has ended or passed its point of no return.
  void cancel();
  void cancelIfPossible();  // and does not throw
  // Calls `observer` on every change, from any thread, until the returned handle is dropped.
  using Observer = std::function<void()>;
  std::shared_ptr<void> observe(Observer observer);

  // --- for the registry ---
  // Ends it: `record` gets the last picture first, and only then does anybody who waits or watches
  // hear of the end, so that what a client was told is what the next vsd finds. `record` must not
  // throw.
  using Recorder = std::function<void(const OperationPicture&)>;
  void finish(OperationState state, std::optional<Error> error, const Recorder& record);

 private:
  void changed();

  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  OperationPicture picture_;
  Deadline stepStarted_{};
  std::atomic<bool> cancelled_{false};
  bool pastReturn_ = false;
  std::vector<std::weak_ptr<Observer>> observers_;
};

}  // namespace vs
