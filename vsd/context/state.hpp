// The life of a context: what it is (State), what its user wished last (Goal), and which verbs are
// possible when. States change only through transition(), which logs.
//
//   Stopped ──start──► Starting ──► Running ◄──thaw── Frozen
//      ▲                  │            │ ──freeze──►    │
//      │◄─────────────────┘            ▼                │
//      │◄──────────────────────── Stopping ◄────────────┘
//   Failed: ended by itself with an error; otherwise as Stopped.
//   Suspended: its memory is kept and none of it runs; it resumes from there, or is stopped, which
//   gives its memory up. Its data stay as they are meanwhile.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vs {

enum class State { Stopped, Starting, Running, Frozen, Stopping, Failed, Suspended };
enum class Goal { Stopped, Running };

std::string_view nameOf(State state);
std::string_view nameOf(Goal goal);
std::optional<Goal> goalFrom(std::string_view name);

inline bool isDown(State state) { return state == State::Stopped || state == State::Failed; }
// Nothing of it runs.
inline bool isAtRest(State state) { return isDown(state) || state == State::Suspended; }
inline bool canStart(State state) { return isDown(state); }
inline bool canStop(State state) { return !isDown(state); }
inline bool canFreeze(State state) { return state == State::Running; }
inline bool canThaw(State state) { return state == State::Frozen; }
inline bool canSuspend(State state) { return state == State::Running || state == State::Frozen; }
inline bool canResume(State state) { return state == State::Suspended; }
inline bool canExec(State state) { return state == State::Running; }

// Sets `state` to `next` and logs the change of context `name`.
void transition(const std::string& name, State& state, State next);

}  // namespace vs
