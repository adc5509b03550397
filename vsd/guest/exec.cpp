#include "vsd/guest/exec.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/process.hpp"
#include "vsd/guest/exec_process.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::guest {
namespace {

constexpr std::size_t kMaxPlan = 4U << 20;
constexpr Millis kGrace{10'000};    // between SIGHUP and SIGKILL
constexpr Millis kStepTime{8'000};  // for each step of entering

struct ExecFailure {
  ExecStage stage;
  int errnoValue;
};

// The caller went away before the program ran.
struct CallerGone {};

// The host's id for an id inside, from /proc/PID/uid_map or gid_map.
uid_t hostId(pid_t pid, const char* map, std::uint32_t inside) {
  const std::string text = readFile(fmt::format("/proc/{}/{}", pid, map));
  char* rest = nullptr;
  const unsigned long first = std::strtoul(text.c_str(), &rest, 10);
  const unsigned long host = std::strtoul(rest, &rest, 10);
  const unsigned long count = std::strtoul(rest, nullptr, 10);
  if (inside < first || inside - first >= count) throw ExecFailure{ExecStage::User, EINVAL};
  return static_cast<uid_t>(host + (inside - first));
}

// The program may open its pipes again as /dev/stdout and the like, which asks for their owner.
// Only anonymous pipes are given away: files and terminals stay the caller's.
void givePipes(pid_t pid, const Note& prepared) {
  const uid_t uid = hostId(pid, "uid_map", prepared.uid);
  const gid_t gid = hostId(pid, "gid_map", prepared.gid);
  for (int fd = kStdioFd; fd <= kStdioFd + 2; ++fd) {
    struct statfs system {};
    if (::fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC)
      check(::fchown(fd, uid, gid), "give away a pipe");
  }
}

// The processes of a session and our end of the handshake with them.
class Session {
 public:
  explicit Session(PreparedExec& prepared) {
    FdPair pair = makeSocketPair(SOCK_SEQPACKET);
    const Cloned cloned = cloneProcess(0, kPayloadFd);
    if (cloned.pid == 0) {
      pair.first.reset();
      enterContext(pair.second.get(), prepared);
    }
    if (cloned.pid < 0) throw ExecFailure{ExecStage::Cgroup, errno};
    entering_ = cloned.pid;
    ::close(cloned.pidfd);
    talk_ = std::move(pair.first);
  }
  ~Session() {
    for (const pid_t pid : {entering_, program_}) {
      if (pid <= 0) continue;
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Follows the handshake to its end; returns the host pid of the program, which runs.
  pid_t start() {
    bool prepared = false;
    for (;;) {
      const Note note = next();
      const Fd fd(note.fd);
      if (note.type == NoteType::Failed)
        throw ExecFailure{static_cast<ExecStage>(note.stage), note.value};
      if (note.type == NoteType::Closed && prepared && program_ > 0) break;
      if (note.type == NoteType::Closed) throw ExecFailure{ExecStage::Namespaces, ECHILD};
      if (note.type == NoteType::Started) noteProgram(note.value);
      if (note.type == NoteType::Console) sendTalk(kTalkFd, {.type = TalkType::Terminal}, fd.get());
      if (note.type == NoteType::Prepared) waiting_ = note;
      if (program_ > 0 && waiting_.type == NoteType::Prepared && !prepared) {
        givePipes(program_, waiting_);
        say(talk_.get(), {.type = NoteType::Go});
        prepared = true;
      }
    }
    return std::exchange(program_, -1);
  }

 private:
  // H1 ends as soon as it has said who H2 is.
  void noteProgram(pid_t pid) {
    program_ = pid;
    ::waitpid(std::exchange(entering_, -1), nullptr, 0);
  }

  Note next() const {
    pollfd wanted[] = {{talk_.get(), POLLIN, 0}, {kTalkFd, POLLRDHUP, 0}};
    int ready;
    do ready = ::poll(wanted, 2, static_cast<int>(kStepTime.count()));
    while (ready < 0 && errno == EINTR);
    // The context can freeze the cgroup that the processes of a session start in.
    if (ready == 0)
      throw ExecFailure{program_ > 0 ? ExecStage::User : ExecStage::Cgroup, ETIMEDOUT};
    if (wanted[0].revents == 0 && wanted[1].revents != 0) throw CallerGone{};
    return hear(talk_.get());
  }

  pid_t entering_ = -1;  // H1
  pid_t program_ = -1;   // H2
  Note waiting_;
  Fd talk_;
};

int statusOf(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 255;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Passes on one message of the caller; false when it has gone.
bool passSignal(pid_t pid) {
  try {
    const std::optional<ReceivedTalk> talk = receiveTalk(kTalkFd, Millis(0));
    if (!talk) return false;
    const int number = talk->message.value;
    if (talk->message.type == TalkType::Signal && number > 0 && number < _NSIG)
      ::kill(pid, number);  // not reaped yet: the pid is still its own
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Waits for the end of the program, beside its caller.
void attend(pid_t pid, const ExecPlan& plan) {
  const Fd pidfd(check(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "watch the program"));
  bool callerThere = true;
  bool hungUp = false;
  for (;;) {
    pollfd wanted[] = {{pidfd.get(), POLLIN, 0}, {callerThere ? kTalkFd : -1, POLLIN, 0}};
    const int ready = ::poll(wanted, 2, hungUp ? static_cast<int>(kGrace.count()) : -1);
    if (wanted[0].revents != 0) return;
    if (ready == 0 && hungUp) ::kill(pid, SIGKILL);
    if (wanted[1].revents == 0 || passSignal(pid)) continue;
    callerThere = false;
    if (!plan.terminal) continue;
    hungUp = true;
    ::kill(-pid, SIGHUP);
  }
}

void sayIfHeard(const Talk& message) {
  try {
    sendTalk(kTalkFd, message);
  } catch (const Error&) {
    // The caller has gone; the session goes on as exec.hpp says.
  }
}

void run() {
  PreparedExec prepared(decodeExecPlan(readAll(kPlanFd, kMaxPlan, "the exec plan")));
  ::close(kPlanFd);
  const pid_t pid = Session(prepared).start();
  // Held any longer, its pipes would not end when it ends.
  for (const int fd : {kInitFd, kPayloadFd, kStdioFd, kStdioFd + 1, kStdioFd + 2}) ::close(fd);
  sayIfHeard({.type = TalkType::Running, .value = pid});
  attend(pid, prepared.plan);
  sayIfHeard({.type = TalkType::Ended, .value = statusOf(pid)});
}

int reportFailure(ExecStage stage, int errnoValue) {
  sayIfHeard(
      {.type = TalkType::Failed, .stage = static_cast<std::uint8_t>(stage), .value = errnoValue});
  return 1;
}

}  // namespace

int execMode() {
  try {
    run();
    return 0;
  } catch (const ExecFailure& failure) {
    return reportFailure(failure.stage, failure.errnoValue);
  } catch (const CallerGone&) {
    return 1;
  } catch (const Error& error) {
    return reportFailure(ExecStage::Plan, error.errnoValue() != 0 ? error.errnoValue() : EINVAL);
  } catch (const std::exception&) {
    return reportFailure(ExecStage::Plan, ENOMEM);
  }
}

}  // namespace vs::guest
