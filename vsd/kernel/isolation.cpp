#include "vsd/kernel/isolation.hpp"

#include "vsd/kernel/capabilities.hpp"
#include "vsd/kernel/seccomp.hpp"

namespace vs {

Confinement confinementOf(Isolation isolation) {
  // no_new_privs stays off: su and sudo are part of a system.
  return {
      .seccomp = compileSeccomp(isolation),
      .capabilities = isolation == Isolation::System ? systemCapabilities() : nestingCapabilities(),
      .noNewPrivileges = false};
}

}  // namespace vs
