#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"

namespace vs::test {
namespace {

class GuestExec : public BusyboxContext {
 protected:
  void SetUp() override {
    BusyboxContext::SetUp();
    if (!IsSkipped()) boot("exec sleep 1000");
  }
};

// One session followed from its other end.
class Session {
 public:
  Session(const Process& process, Fd ownEnd) : helper(process.pid()), talk(std::move(ownEnd)) {}

  // Everything said up to the end, as words: "Terminal Running Ended(0)".
  std::string follow(Millis time = Millis(10'000)) {
    std::string words;
    while (const auto said = receiveTalk(talk.get(), time)) {
      const Talk& message = said->message;
      if (message.type == TalkType::Terminal) words += "Terminal ";
      if (message.type == TalkType::Running) words += "Running ";
      if (message.type == TalkType::Failed)
        words += fmt::format("Failed({}) ", describe(static_cast<ExecStage>(message.stage)));
      if (message.type == TalkType::Ended) words += fmt::format("Ended({}) ", message.value);
    }
    return words;
  }
  // Reads until `type` is said; keeps a terminal that comes on the way.
  std::optional<Talk> until(TalkType type) {
    while (auto said = receiveTalk(talk.get(), Millis(10'000))) {
      if (said->fd) terminal = std::move(said->fd);
      if (said->message.type == type) return said->message;
    }
    return std::nullopt;
  }

  pid_t helper;
  Fd talk;
  Fd terminal;
};

std::string readTerminal(int fd, const std::string& until) {
  std::string text;
  while (text.find(until) == std::string::npos && waitReadable(fd, Millis(5000))) {
    char buffer[1024];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

TEST_F(GuestExec, PassesOutputErrorAndStatusThrough) {
  const ExecResult result = run("echo out; echo err >&2; exit 42");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.status, 42);
  EXPECT_EQ(run("kill -9 $$").status, 137);
}

TEST_F(GuestExec, TellsNotFoundFromNotExecutable) {
  const RunningRecord record = runningIn(state());
  const auto status = [&](const std::string& word) {
    return executeIn(program(), name(), record, "", {word}, Millis(5000)).status;
  };
  EXPECT_EQ(status("nothing-of-that-name"), 127);
  EXPECT_EQ(status("/bin/nothing"), 127);
  EXPECT_EQ(status("/etc/passwd"), 126);
  EXPECT_EQ(status("/etc"), 126);
  EXPECT_EQ(status("true"), 0) << "found in PATH";
}

TEST_F(GuestExec, BecomesExactlyTheUserThatWasNamed) {
  EXPECT_EQ(run("id", "ann").out, "uid=1000(ann) gid=1000(ann) groups=50(staff),1000(ann)\n");
  EXPECT_EQ(run("id", "1000").out, "uid=1000(ann) gid=1000(ann) groups=50(staff),1000(ann)\n");
  EXPECT_EQ(run("id", "1000:50").out, "uid=1000(ann) gid=50(staff) groups=50(staff)\n");
  EXPECT_EQ(run("id", "ann:other").out, "uid=1000(ann) gid=51(other) groups=51(other)\n");
  EXPECT_EQ(run("id -u; id -g", "4000").out, "4000\n0\n") << "an id needs no entry";
  EXPECT_EQ(run("id -u", "root").out, "0\n");
  EXPECT_EQ(run("id -u", "").out, "0\n");
}

TEST_F(GuestExec, RefusesWhatIsNoUser) {
  for (const char* user : {"-1",
                           "4294967295",
                           "4294967296",
                           "18446744073709551616",
                           "0x0",
                           "1:",
                           ":1",
                           ":",
                           "1:x",
                           "ann:",
                           "ann:4294967295",
                           "1 ",
                           " 1",
                           "+1",
                           "nobody-there",
                           "overflow",
                           "minus",
                           "65536",
                           "70000:0",
                           "1:2:3"})
    EXPECT_EQ(run("id", user).status, 125) << "'" << user << "'";
}

TEST_F(GuestExec, HoldsNothingButItsStdioAndNoPrivilege) {
  const Fd leaked(::open("/etc/shadow", O_RDONLY));  // without close-on-exec
  // What posix_spawn(3) leaves ignored in its children, and signal(3) does not put back.
  const struct {
    void* handler = reinterpret_cast<void*>(1);
    unsigned long flags = 0;
    void* restorer = nullptr;
    unsigned long mask = 0;
  } ignored;
  for (const int number : {32, 33})
    ASSERT_EQ(::syscall(SYS_rt_sigaction, number, &ignored, nullptr, sizeof ignored.mask), 0);
  EXPECT_EQ(run("ls /proc/self/fd").out, "0\n1\n2\n3\n") << "3 is ls reading the directory";
  const std::string status = executeIn(program(), name(), runningIn(state()), "",
                                       {"cat", "/proc/self/status"}, Millis(5000))
                                 .out;
  for (const char* line : {"CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "Seccomp:\t2",
                           "SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000"})
    EXPECT_NE(status.find(line), std::string::npos) << line << " in " << status;
  EXPECT_EQ(run("readlink /proc/self/cwd").out, "/root\n");
}

TEST_F(GuestExec, GivesTheEnvironmentOfALoginAndWhatWasAsked) {
  ExecPlan plan = execPlan({"sh", "-c", "echo $HOME $USER $LOGNAME $SHELL $COLOUR $PATH"});
  plan.user = "ann";
  plan.environment = {"COLOUR=red", "SHELL=/bin/other"};
  const RunningRecord record = runningIn(state());
  const auto init = Process::find(record.init, record.initStart);
  ASSERT_TRUE(init);
  const ContextCgroup cgroup(findCgroupRoot(), name());
  const Fd group = cgroup.openExecGroup({0x80000, 65536});
  const ExecResult result =
      runInside(program(), plan, {.init = init->fd(), .group = group.get()}, Millis(5000));
  EXPECT_EQ(result.out,
            "/home/ann ann ann /bin/other red "
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(GuestExec, MayOpenItsPipesAgain) {
  EXPECT_EQ(run("echo again > /dev/stdout; echo err > /dev/stderr").out, "again\n");
  EXPECT_EQ(run("echo again > /dev/stdout", "ann").out, "again\n");
}

TEST_F(GuestExec, EntersTheDirectoryOrSaysSo) {
  const auto statusIn = [&](const std::string& directory) {
    ExecPlan plan = execPlan({"readlink", "/proc/self/cwd"});
    plan.workingDirectory = directory;
    FdPair talk = makeSocketPair(SOCK_SEQPACKET);
    const Fd null = openFile("/dev/null", O_RDWR);
    Session session(startSession(plan, talk.second.get(), {null.get(), null.get(), null.get()}),
                    std::move(talk.first));
    talk.second.reset();
    return session.follow();
  };
  EXPECT_EQ(statusIn("/tmp"), "Running Ended(0) ");
  EXPECT_EQ(statusIn("/nowhere"), "Failed(entering the working directory) ");
  for (int fd = 0; fd < 16; ++fd)
    EXPECT_EQ(statusIn(fmt::format("/proc/self/fd/{}", fd)),
              "Failed(entering the working directory) ")
        << fd;
}

TEST_F(GuestExec, RunsOnATerminalOfTheContext) {
  ExecPlan plan =
      execPlan({"sh", "-c", "tty; stty size; echo $TERM; read line; echo \"<$line>\"; exit 3"});
  plan.terminal = true;
  plan.columns = 132;
  plan.rows = 43;
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  Session session(startSession(plan, talk.second.get(), {}), std::move(talk.first));
  talk.second.reset();
  ASSERT_TRUE(session.until(TalkType::Running));
  ASSERT_TRUE(session.terminal);
  EXPECT_EQ(readTerminal(session.terminal.get(), "xterm\r\n"), "/dev/pts/1\r\n43 132\r\nxterm\r\n");
  writeAll(session.terminal.get(), "hello\r", "the terminal");
  readTerminal(session.terminal.get(), "<hello>");
  EXPECT_EQ(session.follow(), "Ended(3) ");
}

TEST_F(GuestExec, PassesSignalsOn) {
  ExecPlan plan = execPlan({"sh", "-c", "trap 'exit 9' USR2; while :; do sleep 0.02; done"});
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const Fd null = openFile("/dev/null", O_RDWR);
  Session session(startSession(plan, talk.second.get(), {null.get(), null.get(), null.get()}),
                  std::move(talk.first));
  ASSERT_TRUE(session.until(TalkType::Running));
  std::this_thread::sleep_for(Millis(200));  // until the trap is set
  sendTalk(session.talk.get(), {.type = TalkType::Signal, .value = SIGUSR2});
  talk.second.reset();
  EXPECT_EQ(session.follow(), "Ended(9) ");
}

TEST_F(GuestExec, HangsUpATerminalWhoseCallerIsGone) {
  ExecPlan plan = execPlan({"sleep", "1000"});
  plan.terminal = true;
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const Process helper = startSession(plan, talk.second.get(), {});
  Session session(helper, std::move(talk.first));
  talk.second.reset();
  ASSERT_TRUE(session.until(TalkType::Running));
  session.talk.reset();
  session.terminal.reset();
  EXPECT_TRUE(helper.waitEnd(Millis(5000)));
}

TEST_F(GuestExec, LetsAProgramWithoutTerminalRunOnWhenTheCallerIsGone) {
  ExecPlan plan = execPlan({"sh", "-c", "sleep 0.3; echo done > /tmp/done"});
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const Fd null = openFile("/dev/null", O_RDWR);
  const Process helper =
      startSession(plan, talk.second.get(), {null.get(), null.get(), null.get()});
  Session session(helper, std::move(talk.first));
  talk.second.reset();
  ASSERT_TRUE(session.until(TalkType::Running));
  session.talk.reset();
  EXPECT_TRUE(helper.waitEnd(Millis(5000)));
  EXPECT_EQ(readFile(root() + "/tmp/done"), "done\n");
}

TEST_F(GuestExec, IsOverWhenTheContextIs) {
  ExecPlan plan = execPlan({"sleep", "1000"});
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const Fd null = openFile("/dev/null", O_RDWR);
  Session session(startSession(plan, talk.second.get(), {null.get(), null.get(), null.get()}),
                  std::move(talk.first));
  talk.second.reset();
  ASSERT_TRUE(session.until(TalkType::Running));
  ::kill(booted().init, SIGKILL);
  EXPECT_EQ(session.follow(), "Ended(137) ");
}

TEST_F(GuestExec, WorksWhileTheInitIsStopped) {
  ::kill(booted().init, SIGSTOP);
  EXPECT_EQ(run("echo here").out, "here\n");
}

TEST_F(GuestExec, LivesInItsOwnGroupAndItsHelperOutside) {
  ExecPlan plan = execPlan({"sleep", "1000"});
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  const Fd null = openFile("/dev/null", O_RDWR);
  const Process helper =
      startSession(plan, talk.second.get(), {null.get(), null.get(), null.get()});
  Session session(helper, std::move(talk.first));
  talk.second.reset();
  const auto running = session.until(TalkType::Running);
  ASSERT_TRUE(running);
  const auto groupOf = [](pid_t pid) {
    const std::string text = readFile(fmt::format("/proc/{}/cgroup", pid));
    const std::size_t at = text.find("0::");
    return text.substr(at + 3, text.find('\n', at) - at - 3);
  };
  const std::string scope = fmt::format("/vs.slice/vs-{}.scope", name());
  EXPECT_EQ(groupOf(running->value), scope + "/payload/vsd-exec");
  EXPECT_EQ(groupOf(helper.pid()), scope + "/monitor");
}

TEST_F(GuestExec, KeepsManySessionsApart) {
  std::vector<std::thread> threads;
  std::array<std::string, 16> outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    threads.emplace_back([&, i] { outputs[i] = run(fmt::format("echo {}; echo x >&2", i)).out; });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], fmt::format("{}\n", i));
}

}  // namespace
}  // namespace vs::test
