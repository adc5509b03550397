#include "vsd/guest/resume.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/guest/boot.hpp"
#include "vsd/guest/cage.hpp"
#include "vsd/guest/handshake.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/guest/records.hpp"
#include "vsd/guest/run.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::guest {
namespace {

constexpr std::size_t kMaxPlan = 4U << 20;
constexpr Millis kPatience{600'000};  // for criu, whose end vsd tells

// In the process that becomes criu, born in the payload cgroup.
void enterCgroup(const ResumePlan& plan, int payload) {
  check(::unshare(CLONE_NEWCGROUP), "create a cgroup namespace");
  if (plan.group.empty()) return;
  // Before its siblings get controllers: a group that hands them on can hold no process itself.
  const std::string file = plan.group + "/cgroup.procs";
  const Fd procs(check(::openat(payload, file.c_str(), O_WRONLY | O_CLOEXEC), "open '{}'", file));
  writeAll(procs.get(), "0", file);
}

void enterCage(const ResumePlan& plan, Fd root) {
  Cage cage(plan.cage);
  cage.add(root, kCageRoot);
  cage.addExternals(plan.externals);
  cage.enter();
}

[[noreturn]] void becomeCriu(int talk, const ResumePlan& plan, int root, int payload) noexcept {
  Progress<BootStage> progress(talk);
  try {
    progress.enter(BootStage::RootMount);
    const Fd users = makeUserNamespace(plan.ids);
    Fd mapped = idMappedMount(root, users.get());
    progress.enter(BootStage::CriuCgroup);
    enterCgroup(plan, payload);
    progress.enter(BootStage::Cage);
    enterCage(plan, std::move(mapped));
  } catch (const Error& error) {
    progress.fail(error.errnoValue() != 0 ? error.errnoValue() : EINVAL);
  } catch (const std::exception&) {
    progress.fail(ENOMEM);
  }
  say(talk, {.type = NoteType::Prepared});
  progress.awaitGo();
  progress.enter(BootStage::Criu);
  progress.fail(executeCriu(kCriuFd, talk));
}

// The init first: criu's end would let it go. Nobody else has made children of ours by then.
void killChildren(pid_t criu) noexcept {
  try {
    std::istringstream children(readFile(fmt::format("/proc/self/task/{}/children", ::getpid())));
    for (pid_t child = 0; children >> child;)
      if (child != criu) ::kill(child, SIGKILL);
  } catch (const Error&) {
    // vsd kills the whole cgroup next.
  }
  ::kill(criu, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

class CriuChild {
 public:
  CriuChild(const ResumePlan& plan, int root, int payload) {
    FdPair pair = makeSocketPair(SOCK_SEQPACKET);
    const Cloned cloned = cloneProcess(0, payload);
    if (cloned.pid == 0) {
      pair.first.reset();
      becomeCriu(pair.second.get(), plan, root, payload);
    }
    if (cloned.pid < 0) throw BootFailure{BootStage::Criu, errno};
    pid_ = cloned.pid;
    const Fd unused(cloned.pidfd);
    talk_ = std::move(pair.first);
  }

  pid_t pid() const { return pid_; }
  void expect(NoteType type) const {
    const Note note = hear(talk_.get());
    if (note.type == NoteType::Failed)
      throw BootFailure{static_cast<BootStage>(note.stage), note.value};
    if (note.type != type) throw BootFailure{BootStage::Criu, EPROTO};
  }
  void go() const { say(talk_.get(), {.type = NoteType::Go}); }
  void reap() const {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

 private:
  pid_t pid_ = -1;
  Fd talk_;
};

ReceivedTalk await(TalkType type, BootStage stage) {
  std::optional<ReceivedTalk> talk = receiveTalk(kTalkFd, kPatience);
  if (!talk || talk->message.type != type) throw BootFailure{stage, ECONNABORTED};
  return std::move(*talk);
}

// A process that is our child, by its descriptor.
Process childOf(pid_t pid) {
  Fd pidfd(static_cast<int>(check(::syscall(SYS_pidfd_open, pid, 0), "open the init")));
  siginfo_t info{};
  check(::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG | WNOWAIT),
        "look at the init");
  if (info.si_pid != 0) throw systemError(ESRCH, "the init has ended");
  return {pid, std::move(pidfd)};
}

// Of a context in which nobody had the console open: its first terminal is nobody's, so it is what
// a new one becomes. /dev/console leads there.
Fd newConsole(pid_t init) {
  const std::string path = fmt::format("/proc/{}/root", init);
  const Fd root(check(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open '{}'", path));
  const Fd ptmx(
      check(openPlain(root.get(), "dev/pts/ptmx", 0, Crossing::Allowed), "open its ptmx"));
  check(checkPtmx(ptmx.get()), "look at its ptmx");
  const std::string itself = fmt::format("/proc/self/fd/{}", ptmx.get());
  Fd master(check(::open(itself.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC), "open a terminal"));
  check(prepareTerminal(master.get()), "prepare its console");
  return master;
}

RunningContext takeOver(const ResumePlan& plan, const CriuChild& criu, ReceivedTalk restored) {
  criu.reap();
  Process init = childOf(restored.message.value);
  Fd console = restored.fd ? std::move(restored.fd) : newConsole(init.pid());
  writeRunning(plan.stateDirectory, init.pid());
  return {std::move(init), std::move(console)};
}

RunningContext restore(const ResumePlan& plan, const CriuChild& criu) {
  criu.expect(NoteType::Prepared);
  sendTalk(kTalkFd, {.type = TalkType::Prepared, .value = criu.pid()});
  await(TalkType::Go, BootStage::Criu);
  criu.go();
  criu.expect(NoteType::Closed);
  ::close(kCriuFd);
  ReceivedTalk restored = await(TalkType::Restored, BootStage::Restored);
  ::close(kCriuOtherFd);
  return takeOver(plan, criu, std::move(restored));
}

RunningContext resume(const ResumePlan& plan, int root, int payload) {
  const CriuChild criu(plan, root, payload);
  try {
    return restore(plan, criu);
  } catch (const Error& error) {
    killChildren(criu.pid());
    throw BootFailure{BootStage::Restored, error.errnoValue() != 0 ? error.errnoValue() : EIO};
  } catch (const BootFailure&) {
    killChildren(criu.pid());
    throw;
  }
}

Started start() {
  const Fd planFile(kPlanFd);
  const Fd root(kRootFd);
  const ResumePlan plan = decodeResumePlan(readAll(kPlanFd, kMaxPlan, "the resume plan"));
  sendTalk(kTalkFd, {.type = TalkType::Ready});
  const Fd payload = await(TalkType::Go, BootStage::Plan).fd;
  if (!payload) throw BootFailure{BootStage::Plan, ECONNABORTED};
  return {resume(plan, root.get(), payload.get()), plan.stateDirectory, plan.consoleLog,
          plan.consoleLogLimit};
}

}  // namespace

int resumeMode() { return monitorStarted(start); }

}  // namespace vs::guest
