#include "vsd/context/state.hpp"

#include "vsd/base/log.hpp"

namespace vs {

std::string_view nameOf(State state) {
  switch (state) {
    case State::Stopped:
      return "stopped";
    case State::Starting:
      return "starting";
    case State::Running:
      return "running";
    case State::Frozen:
      return "frozen";
    case State::Stopping:
      return "stopping";
    case State::Failed:
      return "failed";
    case State::Suspended:
      return "suspended";
  }
  return "failed";
}

std::string_view nameOf(Goal goal) { return goal == Goal::Running ? "running" : "stopped"; }

std::optional<Goal> goalFrom(std::string_view name) {
  if (name == "running") return Goal::Running;
  if (name == "stopped") return Goal::Stopped;
  return std::nullopt;
}

void transition(const std::string& name, State& state, State next) {
  if (state == next) return;
  log::info("context '{}': {} -> {}", name, nameOf(state), nameOf(next));
  state = next;
}

}  // namespace vs
