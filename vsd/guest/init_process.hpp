// The first process of a context, from its birth in the new namespaces to the exec of its init.
#pragma once

#include <span>

#include "vsd/guest/handshake.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

// A plan with its argv and environment as exec wants them: made before the clone.
struct PreparedPlan {
  explicit PreparedPlan(BootPlan plan);

  BootPlan plan;
  std::vector<char*> argv;         // ends with a null pointer
  std::vector<char*> environment;  // the same
};

// Runs in the child; `socket` is its end of the handshake. Never returns.
[[noreturn]] void runInitProcess(int socket, const PreparedPlan& prepared) noexcept;

}  // namespace vs::guest
