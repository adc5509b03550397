// Other programs, run the same way everywhere: an argument vector (never a shell string), a
// deadline, a bound on what is kept of their output, and their stderr in the error text. Tests
// answer from a script instead (tests/support/fake_runner.hpp).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/units.hpp"

namespace vs {

struct Command {
  std::vector<std::string> argv;         // argv[0] is an absolute path (see findProgram)
  std::vector<std::string> environment;  // "NAME=value"; PATH, LC_ALL=C.UTF-8 are always there
  std::string input;                     // given on stdin; stdin is /dev/null when empty
  int stdoutFd = -1;                     // where stdout goes instead of into Output::out
  std::vector<int> inheritedFds;         // kept open in the child under the same numbers
  Millis deadline{60'000};
  std::size_t maxOutput = 4U << 20;  // bytes kept of each of stdout and stderr
  // Asked several times a second; true ends the command (TERM, then KILL) with Kind::Cancelled.
  std::function<bool()> isCancelled;
  std::function<void(std::string_view line)> onErrorLine;  // each line of stderr as it comes
};

struct Output {
  int status = 0;  // exit status, or 128 + signal number
  std::string out;
  std::string err;
};

class Runner {
 public:
  virtual ~Runner() = default;
  // Runs to the end. Throws TimedOut after the deadline (the command is killed), Failed when it
  // cannot be started. A status other than 0 is no error here.
  virtual Output run(const Command& command) = 0;
  // The same, but a status other than 0 throws Failed: "`what`: PROGRAM: last lines of stderr".
  Output mustRun(const Command& command, std::string_view what);
};

class RealRunner : public Runner {
 public:
  Output run(const Command& command) override;
};

// Absolute path of a program in the fixed system directories; throws Unsupported with a hint naming
// `package`.
std::string findProgram(const std::string& name, std::string_view package);
// The same, empty when it is not installed.
std::string findProgramIfAny(const std::string& name);

}  // namespace vs
