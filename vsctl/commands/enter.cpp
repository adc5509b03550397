#include <unistd.h>

#include "vsctl/commands/commands.hpp"
#include "vsctl/exec_session.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {
namespace {

// The user's shell stands in the context's own /etc/passwd, so the context itself looks it up; only
// /bin/sh is needed for that.
constexpr const char* kLoginShell =
    "id=$(id -u); shell=; "
    "while IFS=: read -r name password user group comment home login; do "
    "[ \"$user\" = \"$id\" ] && shell=$login && break; done </etc/passwd; "
    "exec \"${shell:-/bin/sh}\" -l";

}  // namespace

Action enterVerb(Flags& flags) {
  auto request = std::make_shared<ExecRequest>();
  flags.operand("CONTEXT", request->context);
  flags.text("-u,--user", request->user, "USER", "whose shell, instead of root's");
  return [request](Session& session) {
    request->command = {"/bin/sh", "-c", kLoginShell};
    request->terminal = isTerminal(STDIN_FILENO);
    return execute(session.client(), *request);
  };
}

}  // namespace vs::ctl
