// Every requirement of a host, held against what is there: kernel features, cgroup controllers,
// tools with their versions, services. `vsctl check`; type Finding of io.vsd.varlink.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

struct Finding {
  enum class State { Ok, Degraded, Missing };
  std::string area;  // kernel, cgroup, storage, tools, services, move
  std::string name;
  State state = State::Ok;
  std::string found;   // what is there, in words
  std::string remedy;  // what to do; empty when all is well
};
std::string_view nameOf(Finding::State state);

// Looks, changes nothing; takes up to a few seconds.
std::vector<Finding> checkHost(const Host& host);

}  // namespace vs
