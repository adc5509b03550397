// vsd-guest exec: one program executed in a running context.
//
//   H0 helper   host's namespaces, monitor/ cgroup; talks to the caller, reports the end
//    └ H1       born in the context's cgroup, enters all its namespaces; lives for one clone
//    └ H2       child of H0, inside: terminal, user, confinement, exec
//
// None of the three can be looked into from inside before H2 has executed the program.
//
// When the caller goes away: with a terminal, the program's process group gets SIGHUP (the terminal
// has hung up) and, ten seconds later, SIGKILL. Without one the program runs on to its own end,
// like a command given to ssh without a terminal.
#pragma once

namespace vs::guest {

// Returns the exit status of the helper: 0 when the program was started and its end told.
int execMode();

}  // namespace vs::guest
