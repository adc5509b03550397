// The inside half of an exec session: H1, which enters the context's namespaces, and H2, which
// becomes the program (exec.hpp draws them).
#pragma once

#include "vsd/guest/handshake.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

// A plan with its argv and environment as exec wants them: made before the first clone.
struct PreparedExec {
  explicit PreparedExec(ExecPlan plan);

  ExecPlan plan;
  std::vector<char*> argv;         // ends with a null pointer
  std::vector<char*> environment;  // ends with null pointers, room for what is added inside
};

// Runs in H1; `socket` is its end of the handshake. Never returns.
[[noreturn]] void enterContext(int socket, PreparedExec& prepared) noexcept;

}  // namespace vs::guest
