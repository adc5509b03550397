// One thing that was looked at, and what to do when it is not as it should be.
#pragma once

#include <string>
#include <string_view>

namespace vs {

struct Finding {
  enum class State { Ok, Degraded, Missing };
  std::string area;  // kernel, cgroup, storage, tools, services, move; a storage's name
  std::string name;
  State state = State::Ok;
  std::string found;   // what is there, in words
  std::string remedy;  // what to do; empty when all is well
};

// "ok", "degraded", "missing"
std::string_view nameOf(Finding::State state);

}  // namespace vs
