#include "vsd/kernel/launch.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // linux/memfd.h of Linux 6.3
#endif

namespace vs {
namespace {

constexpr std::size_t kMaxProgram = 64U << 20;

// A descriptor of ours and the number it has in vsd-guest.
struct Inherited {
  int from;
  int to;
};

// What the child needs, made before the clone: it only makes system calls.
struct Launch {
  int program;
  std::vector<Inherited> descriptors;  // sorted by `to`, without gaps from 3 on
  std::vector<char*> argv;
  int cgroup = -1;
};

// Wherever an Inherited::from lies in the way of a target number, it is first copied out of the
// way.
void placeDescriptors(const Launch& launch, int* moved) noexcept {
  const auto count = static_cast<int>(launch.descriptors.size());
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  constexpr int kClear = 64;
  const int program = ::fcntl(launch.program, F_DUPFD_CLOEXEC, kClear);
  for (int i = 0; i < count; ++i)
    moved[i] =
        ::fcntl(launch.descriptors[static_cast<std::size_t>(i)].from, F_DUPFD_CLOEXEC, kClear);
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
  int next = 3;
  for (int i = 0; i < count; ++i, ++next)
    if (::dup2(moved[i], launch.descriptors[static_cast<std::size_t>(i)].to) < 0) ::_exit(1);
  ::dup2(program, next);
  ::fcntl(next, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, next + 1, ~0U, 0);
  moved[0] = next;
}

[[noreturn]] void becomeGuest(const Launch& launch, int* scratch) noexcept {
  ::setsid();
  placeDescriptors(launch, scratch);
  if (::chdir("/") < 0) ::_exit(1);
  ::umask(022);
  char* const noEnvironment[] = {nullptr};
  ::syscall(SYS_execveat, scratch[0], "", launch.argv.data(), noEnvironment, AT_EMPTY_PATH);
  ::_exit(127);
}

struct Clone {
  long pid;
  int pidfd;
};

Clone cloneLikeFork(std::uint64_t flags, int cgroup) noexcept {
  Clone clone{-1, -1};
  clone_args args{};
  args.flags = flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&clone.pidfd);
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  // No exit signal: neither SIGCHLD nor waitpid(-1) of this process sees the child.
  clone.pid = ::syscall(SYS_clone3, &args, sizeof args);
  return clone;
}

// What the middle process tells: it shares our descriptors, so a number is enough.
struct Report {
  long pid = -1;
  int pidfd = -1;
  int errnoValue = 0;
};

// Clones the guest and goes, which makes process 1 the guest's parent.
[[noreturn]] void cloneGuestAndExit(const Launch& launch, int* scratch, int report) noexcept {
  const Clone guest = cloneLikeFork(0, launch.cgroup);
  if (guest.pid == 0) becomeGuest(launch, scratch);
  const Report said{guest.pid, guest.pidfd, guest.pid < 0 ? errno : 0};
  ::_exit(::write(report, &said, sizeof said) == sizeof said ? 0 : 1);
}

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// The handlers of this process must not run in its copies; vsd-guest unblocks what it starts with.
Process spawn(const Launch& launch) {
  FdPair pipe = makePipe();
  std::vector<int> scratch(launch.descriptors.size() + 1);
  const AllSignalsBlocked blocked;
  const Clone middle = cloneLikeFork(CLONE_FILES, -1);
  if (middle.pid == 0) cloneGuestAndExit(launch, scratch.data(), pipe.second.get());
  check(middle.pid, "start vsd-guest");
  const Fd middleFd(middle.pidfd);
  siginfo_t ended{};
  while (::waitid(P_PIDFD, static_cast<id_t>(middle.pidfd), &ended, WEXITED | __WALL) < 0 &&
         errno == EINTR) {
  }
  pipe.second.reset();
  Report report;
  if (::read(pipe.first.get(), &report, sizeof report) != sizeof report)
    throw failed("start vsd-guest: its maker ended early");
  if (report.pid < 0) throw systemError(report.errnoValue, "start vsd-guest");
  return Process(static_cast<pid_t>(report.pid), Fd(report.pidfd));
}

Launch launchOf(const GuestProgram& program, const char* mode, const std::string& label,
                std::vector<Inherited> descriptors) {
  static char name[] = "vsd-guest";
  Launch launch{.program = program.fd(), .descriptors = std::move(descriptors), .argv = {}};
  launch.argv = {name, const_cast<char*>(mode), const_cast<char*>(label.c_str()), nullptr};
  return launch;
}

[[noreturn]] void throwBootFailure(const Talk& talk) {
  throw systemError(talk.value, std::string(describe(static_cast<BootStage>(talk.stage))));
}

}  // namespace

GuestProgram::GuestProgram(const std::string& path) {
  const std::optional<std::string> bytes = readFileIfExists(path, kMaxProgram);
  if (!bytes)
    throw Error(Kind::NotFound, fmt::format("the program '{}' is not there", path))
        .withHint("install the package vsd again");
  // Kernels from 6.3 want to be told that it will be executed; older ones do not know the flag.
  int fd = ::memfd_create("vsd-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create("vsd-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  copy_ = Fd(check(fd, "copy '{}' into memory", path));
  writeAll(copy_.get(), *bytes, path);
  check(::fcntl(copy_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
        "seal the copy of '{}'", path);
}

namespace {

Talk expectTalk(int talk, TalkType type, Millis time, const char* before) {
  const std::optional<ReceivedTalk> answer = receiveTalk(talk, time);
  if (!answer) throw failed("vsd-guest ended before {}", before);
  if (answer->message.type == TalkType::Failed) throwBootFailure(answer->message);
  if (answer->message.type != type) throw failed("vsd-guest does not keep to what was agreed");
  return answer->message;
}

StartedGuest startMonitor(Launch launch, FdPair talk, Millis time, int monitor) {
  launch.cgroup = monitor;
  StartedGuest guest{spawn(launch), std::move(talk.first)};
  talk.second.reset();
  try {
    expectTalk(guest.talk.get(), TalkType::Ready, time, "it was ready");
    return guest;
  } catch (...) {
    guest.process.signal(SIGKILL);
    throw;
  }
}

}  // namespace

StartedGuest startGuest(const GuestProgram& program, const BootPlan& plan, int root, Millis time,
                        int monitor) {
  const Fd planFile = makeSealedFile("vsd-boot-plan", encode(plan));
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const int theirs = talk.second.get();
  return startMonitor(launchOf(program, "run", plan.name,
                               {{planFile.get(), kPlanFd}, {theirs, kTalkFd}, {root, kRootFd}}),
                      std::move(talk), time, monitor);
}

void abandonGuest(const StartedGuest& guest) {
  // Its init dies with it (PR_SET_PDEATHSIG, and it is killed while it is still being built).
  guest.process.signal(SIGKILL);
  guest.process.waitEnd(Millis(5000));
}

pid_t bootGuest(const StartedGuest& guest, int payload, Millis time,
                const std::function<void(pid_t init)>& prepare) {
  try {
    sendTalk(guest.talk.get(), {.type = TalkType::Go}, payload);
    std::optional<ReceivedTalk> answer = receiveTalk(guest.talk.get(), time);
    if (answer && answer->message.type == TalkType::Prepared) {
      if (prepare) prepare(answer->message.value);
      sendTalk(guest.talk.get(), {.type = TalkType::Go});
      answer = receiveTalk(guest.talk.get(), time);
    }
    if (!answer) throw failed("vsd-guest ended before the context ran");
    if (answer->message.type == TalkType::Failed) throwBootFailure(answer->message);
    return answer->message.value;
  } catch (const Error&) {
    abandonGuest(guest);
    throw;
  }
}

StartedGuest startResume(const GuestProgram& program, const ResumePlan& plan, int root,
                         const FdPair& criu, Millis time, int monitor) {
  const Fd planFile = makeSealedFile("vsd-resume-plan", encode(plan));
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const int theirs = talk.second.get();
  return startMonitor(launchOf(program, "resume", plan.name,
                               {{planFile.get(), kPlanFd},
                                {theirs, kTalkFd},
                                {root, kRootFd},
                                {criu.second.get(), kCriuFd},
                                {criu.first.get(), kCriuOtherFd}}),
                      std::move(talk), time, monitor);
}

pid_t prepareCriu(const StartedGuest& guest, int payload, Millis time) {
  sendTalk(guest.talk.get(), {.type = TalkType::Go}, payload);
  return expectTalk(guest.talk.get(), TalkType::Prepared, time, "criu was in its place").value;
}

void letCriuBegin(const StartedGuest& guest) { sendTalk(guest.talk.get(), {.type = TalkType::Go}); }

void finishResume(const StartedGuest& guest, pid_t init, int console, Millis time) {
  sendTalk(guest.talk.get(), {.type = TalkType::Restored, .value = init}, console);
  expectTalk(guest.talk.get(), TalkType::Running, time, "it had taken over what criu restored");
}

Process startCriu(const GuestProgram& program, const CagePlan& cage, int criu, int monitor,
                  Millis time) {
  const Fd planFile = makeSealedFile("vsd-cage-plan", encode(cage));
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  Launch launch =
      launchOf(program, "criu", "",
               {{planFile.get(), kPlanFd}, {talk.second.get(), kTalkFd}, {criu, kDumpFd}});
  launch.cgroup = monitor;
  Process process = spawn(launch);
  talk.second.reset();
  const std::optional<ReceivedTalk> answer = receiveTalk(talk.first.get(), time);
  if (answer && answer->message.type == TalkType::Failed) throwBootFailure(answer->message);
  return process;
}

Process startExec(const GuestProgram& program, const ExecPlan& plan, const ExecSession& session) {
  const Fd planFile = makeSealedFile("vsd-exec-plan", encode(plan));
  std::vector<Inherited> descriptors{{planFile.get(), kPlanFd},
                                     {session.talk, kTalkFd},
                                     {session.init, kInitFd},
                                     {session.group, kPayloadFd}};
  if (!plan.terminal)
    for (int i = 0; i < 3; ++i)
      descriptors.push_back({session.stdio[static_cast<std::size_t>(i)], kStdioFd + i});
  Launch launch = launchOf(program, "exec", plan.argv.empty() ? "" : plan.argv[0], descriptors);
  launch.cgroup = session.monitor;
  return spawn(launch);
}

int exitCodeOf(ExecStage stage) {
  if (stage == ExecStage::NotFound) return 127;
  return stage == ExecStage::NotExecutable ? 126 : 125;
}

}  // namespace vs
