// Boots and enters contexts with vsd/kernel and vsd-guest alone, without the daemon: for trying
// things out on a host, and for looking at one box when the whole does not work.
//
//   guest_tool start GUEST ROOT STATE NAME system|command ARGV...
//   guest_tool exec GUEST STATE NAME USER ARGV...      captures output
//   guest_tool stop STATE NAME SIGNAL                  waits, then kills
#include <fcntl.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "tests/root/context_fixture.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/paths.hpp"

namespace {

using namespace vs;
using namespace vs::test;

std::vector<std::string> argumentsFrom(int first, int argc, char** argv) {
  return {argv + first, argv + argc};
}

int start(int argc, char** argv) {
  const GuestProgram program(argv[2]);
  BootPlan plan = systemPlan(argv[5], argv[4]);
  plan.init = std::string(argv[6]) == "command" ? InitKind::Command : InitKind::System;
  plan.argv = argumentsFrom(7, argc, argv);
  makeDirectories(plan.stateDirectory, 0700);
  std::printf("init %d\n", bootPlanned(program, plan, argv[3]).init);
  return 0;
}

int exec(int argc, char** argv) {
  const GuestProgram program(argv[2]);
  const RunningRecord record = runningIn(argv[3]);
  const ExecResult result =
      executeIn(program, argv[4], record, argv[5], argumentsFrom(6, argc, argv), Millis(60'000));
  std::fwrite(result.out.data(), 1, result.out.size(), stdout);
  std::fwrite(result.err.data(), 1, result.err.size(), stderr);
  return result.status;
}

int stop(char** argv) {
  const RunningRecord record = runningIn(argv[2]);
  const ContextCgroup cgroup(findCgroupRoot(), argv[3]);
  const auto guest = Process::find(record.guest, record.guestStart);
  if (const auto init = Process::find(record.init, record.initStart)) {
    init->signal(std::atoi(argv[4]));
    if (!init->waitEnd(Millis(30'000))) std::printf("had to be killed\n");
  }
  cgroup.kill(Millis(5000));
  if (guest && !guest->waitEnd(Millis(5000))) throw failed("the guest did not end");
  cgroup.remove();
  std::printf("%s", readFile(std::string(argv[2]) + "/ended").c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "start" && argc >= 8) return start(argc, argv);
    if (verb == "exec" && argc >= 7) return exec(argc, argv);
    if (verb == "stop" && argc == 5) return stop(argv);
    std::fprintf(stderr, "see the head of tests/root/guest_tool.cpp\n");
    return 2;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
