// Starting vsd-guest, as the monitor of a context or as the parent of one exec session, from a
// process with many threads, and the talk that follows (boot_plan.hpp).
//
// The program is run from a sealed copy in memory (DR8): nothing that runs in a context can ever
// reach the file on disk through /proc/PID/exe. It starts in a new session with an empty
// environment, default signals, stdio on /dev/null and no descriptor but the agreed ones. It is
// nobody's zombie: its parent is process 1 from the first moment, the same before and after a
// restart of vsd.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/base/process.hpp"
#include "vsd/base/units.hpp"
#include "vsd/kernel/boot_plan.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs {

class GuestProgram {
 public:
  // Copies the executable at `path` into a sealed anonymous file. Throws NotFound.
  explicit GuestProgram(const std::string& path);
  int fd() const { return copy_.get(); }

 private:
  Fd copy_;
};

// A vsd-guest that was started to run a context and waits for its cgroup.
struct StartedGuest {
  Process process;
  Fd talk;
};

// Starts the monitor of a context. `root` is the directory of its root file system (O_PATH will
// do). Returns when vsd-guest has read the plan and stands by; its process can then be put into a
// scope. With `monitor`, a cgroup directory, it is born there (ContextCgroup::create without a
// guest): moving a process later costs several milliseconds of waiting for every CPU.
StartedGuest startGuest(const GuestProgram& program, const BootPlan& plan, int root, Millis time,
                        int monitor = -1);

// Lets it go: builds the context inside the cgroup `payload` (a directory) and starts its init.
// Returns the init's host pid when it runs; stateDirectory/running is then written. On any failure
// vsd-guest has ended and left nothing but the cgroup: throws Failed with the stage in words.
// `prepare` is called with the pid of its init when its namespaces are there and nothing of it runs
// yet, of a plan with links only; what it throws ends the context.
pid_t bootGuest(const StartedGuest& guest, int payload, Millis time,
                const std::function<void(pid_t init)>& prepare = {});

// Starts the monitor of a context that criu is to restore. `criu` are the two ends of the talk with
// it, the caller's first. Otherwise as startGuest.
StartedGuest startResume(const GuestProgram& program, const ResumePlan& plan, int root,
                         const FdPair& criu, Millis time, int monitor = -1);
// Lets it put criu into its place; returns criu's pid. It waits there.
pid_t prepareCriu(const StartedGuest& guest, int payload, Millis time);
// Lets criu begin.
void letCriuBegin(const StartedGuest& guest);
// Hands what criu has restored over to its monitor: its init, and the master of its console, -1
// when criu gave none. Returns when stateDirectory/running is written.
void finishResume(const StartedGuest& guest, pid_t init, int console, Millis time);
// After an error: ends it, and with it what it has made.
void abandonGuest(const StartedGuest& guest);

// Starts criu in a cage of its own, in the cgroup `monitor`, for a dump; it serves what is asked on
// the other end of `criu`. It must not be killed before its images are complete: it may be at work
// inside a task. When the other end closes it lets all tasks go and ends. Returns when it has been
// executed. Throws Failed with the stage in words.
Process startCriu(const GuestProgram& program, const CagePlan& cage, int criu, int monitor,
                  Millis time);

// What an exec session is made of; all descriptors stay the caller's.
struct ExecSession {
  int init = -1;     // pidfd of the context's init
  int group = -1;    // cgroup directory for what is executed (ContextCgroup::openExecGroup)
  int monitor = -1;  // cgroup directory for the helper itself; -1: it stays where the caller is
  int talk = -1;     // SOCK_SEQPACKET socket whose other end follows the session
  std::array<int, 3> stdio{-1, -1, -1};  // not used with a terminal
};
// Starts the session and returns its helper's process. How it goes on is said on `talk`, to whoever
// holds the other end; the helper outlives the caller.
Process startExec(const GuestProgram& program, const ExecPlan& plan, const ExecSession& session);

struct ExecResult {
  int status = 0;  // exit status, or 128 + signal; 125..127 when it could not be started
  std::string out;
  std::string err;
};
// A short program run inside for our own use, without terminal and with an empty stdin.
// `session.talk` and `session.stdio` are not used. Throws TimedOut (and ends it) after `time`; at
// most `maxOutput` bytes of each stream are kept.
ExecResult runInside(const GuestProgram& program, const ExecPlan& plan, const ExecSession& session,
                     Millis time, std::size_t maxOutput = 64U << 10);

// The exit code of `vsctl exec` for a session that failed at `stage`: 127 when there is no such
// program, 126 when it cannot be run, else 125.
int exitCodeOf(ExecStage stage);

}  // namespace vs
