#include "vsd/ops/stop.hpp"

#include "vsd/context/boot.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/suspend.hpp"

namespace vs {
namespace {

constexpr Millis kFreezeTime{10'000};
constexpr Millis kKillTime{15'000};
constexpr Millis kCancelStep{200};

void needState(const Host& host, const std::string& name, bool (*possible)(State),
               std::string_view wanted) {
  const State state = host.contexts.find(name).state;
  if (!possible(state))
    throw Error(Kind::InvalidState,
                fmt::format("cannot {} context '{}': it is {}", wanted, name, nameOf(state)));
}

// Asks its init to shut down; a sysv init hears that only from a program inside.
void askToShutDown(const Host& host, const ContextPicture& context) {
  if (context.definition.init == Init::Sysv) {
    runInContext(host, context.definition.name, {"/sbin/init", "0"}, Millis(10'000));
    return;
  }
  context.running->init.signal(stopSignalOf(context.definition.init));
}

void mustNotBeReleased(const Host& host, const std::string& name, std::string_view wanted) {
  if (storageOf(host, name)->isReleased(name))
    throw Error(Kind::InvalidState,
                fmt::format("cannot {} context '{}': its volume has been released for another host",
                            wanted, name))
        .withHint(fmt::format("'vsctl storage handover {} take-back' puts it back", name));
}

// What can be asked of it depends on how it is to stop: one whose volume has gone can be killed.
void checkStopWith(const Host& host, const std::string& name, const StopOptions& options) {
  checkStop(host, name);
  checkAnswer(host, name, options.undo);
  if (options.manner == StopOptions::Manner::Clean &&
      host.contexts.find(name).state == State::Frozen)
    mustNotBeReleased(host, name, "stop");
}

enum class Outcome { Ended, StillThere };

Outcome waitForEnd(const RunningContext& running, Millis timeout, const Operation& operation) {
  const Deadline deadline = deadlineIn(timeout);
  while (!running.guest.waitEnd(kCancelStep)) {
    if (operation.isCancelled())
      throw Error(Kind::Cancelled, "not waited for any longer; its shutdown goes on");
    if (std::chrono::steady_clock::now() >= deadline) return Outcome::StillThere;
  }
  return Outcome::Ended;
}

}  // namespace

void checkStop(const Host& host, const std::string& name) {
  needState(host, name, canStop, "stop");
}

std::vector<std::string> planStop(const Host& host, const std::string& name,
                                  const StopOptions& options) {
  checkStopWith(host, name, options);
  const Definition definition = host.contexts.find(name).definition;
  std::vector<std::string> plan;
  if (host.contexts.find(name).state == State::Suspended)
    return {fmt::format("give the memory of context '{}' up", name)};
  if (options.manner == StopOptions::Manner::Clean)
    plan.push_back(fmt::format("ask its init ({}) to shut down and wait {}",
                               nameOf(definition.init),
                               formatDuration(options.timeout.value_or(definition.stopTimeout))));
  plan.push_back("kill what is left of it");
  plan.push_back(
      fmt::format("remove the cgroup {} and detach the volume", cgroupOf(host, name).scope()));
  const std::optional<UndoAnswer> answer = options.undo ? options.undo : standingAnswer(definition);
  if (answer && hasUndo(host, definition) &&
      (options.undo || options.then == StopOptions::Then::StaysDown))
    plan.push_back(describeAnswer(name, *answer));
  return plan;
}

void stop(const Host& host, const std::string& name, const StopOptions& options,
          Operation& operation) {
  checkStopWith(host, name, options);
  const ContextPicture context = host.contexts.find(name);
  if (context.state == State::Suspended) {
    host.contexts.setGoal(name, Goal::Stopped);
    giveUpMemory(host, name, operation);
    return endSession(host, name, options.undo, operation);
  }
  const Millis timeout = options.timeout.value_or(context.definition.stopTimeout);
  if (options.then == StopOptions::Then::StaysDown) host.contexts.setGoal(name, Goal::Stopped);

  bool ended = false;
  if (options.manner == StopOptions::Manner::Clean) {
    operation.step("ask its init to shut down");
    if (context.state == State::Frozen) cgroupOf(host, name).thaw(kFreezeTime);
    if (canThaw(context.state)) host.contexts.setState(name, State::Running);
    askToShutDown(host, context);
    operation.step("wait for its end");
    host.contexts.setState(name, State::Stopping);
    try {
      ended = waitForEnd(*context.running, timeout, operation) == Outcome::Ended;
    } catch (const Error&) {
      host.contexts.setState(name, State::Running);
      throw;
    }
    if (!ended)
      operation.note(
          fmt::format("it did not shut down within {} and was killed", formatDuration(timeout)));
  }

  operation.step("kill what is left");
  host.contexts.setState(name, State::Stopping);
  operation.passPointOfNoReturn();
  if (!ended) {
    cgroupOf(host, name).kill(kKillTime);
    context.running->guest.waitEnd(kKillTime);
  }
  const End end = howItEnded(host, name);

  operation.step("clean up");
  cleanUpRun(host, name);
  host.contexts.setEnded(name, State::Stopped, end.text);
  if (options.undo || options.then == StopOptions::Then::StaysDown)
    endSession(host, name, options.undo, operation);
}

void restart(const Host& host, const std::string& name, StopOptions options, Wait wait,
             Operation& operation) {
  options.then = StopOptions::Then::StartsAgain;
  const bool ran = canStop(host.contexts.find(name).state);
  if (ran) stop(host, name, options, operation);
  start(host, name, wait, operation, ran ? Session::GoesOn : Session::New);
}

void settle(const Host& host, const std::string& name, Operation& operation) {
  const ContextPicture context = host.contexts.find(name);
  if (isAtRest(context.state) || (context.running && !context.running->guest.waitEnd(Millis(0))))
    return;

  operation.step("find out how it ended");
  const End end = howItEnded(host, name);
  operation.note(fmt::format("it ended: {}", end.text));

  operation.step("clean up");
  cleanUpRun(host, name);
  host.contexts.setEnded(name, end.state, end.text);

  const Restart policy = context.definition.restart;
  const bool again = end.wantsReboot || policy == Restart::Always ||
                     (policy == Restart::OnFailure && end.state == State::Failed);
  if (context.removing) return;
  if (!again || context.goal == Goal::Stopped)
    return endSession(host, name, std::nullopt, operation);
  start(host, name, Wait::ForInit, operation, Session::GoesOn);
}

void checkFreeze(const Host& host, const std::string& name) {
  needState(host, name, canFreeze, "freeze");
}

void freeze(const Host& host, const std::string& name, Operation& operation) {
  checkFreeze(host, name);
  operation.step("freeze its tasks");
  cgroupOf(host, name).freeze(kFreezeTime);
  host.contexts.setState(name, State::Frozen);
}

void checkThaw(const Host& host, const std::string& name) {
  needState(host, name, canThaw, "thaw");
  mustNotBeReleased(host, name, "thaw");
}

void thaw(const Host& host, const std::string& name, Operation& operation) {
  checkThaw(host, name);
  operation.step("let its tasks go on");
  cgroupOf(host, name).thaw(kFreezeTime);
  host.contexts.setState(name, State::Running);
}

}  // namespace vs
