// exec against a daemon and helper played by the test: real sockets, pipes and terminals.
#include <gtest/gtest.h>
#include <pthread.h>
#include <pty.h>

#include <csignal>

#include "tests/support/fake_daemon.hpp"
#include "vsctl/console_session.hpp"
#include "vsctl/exec_session.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::ctl {
namespace {

using test::Connection;
using test::FakeDaemon;

// As main does.
[[maybe_unused]] const auto kPipesAreNoDeath = std::signal(SIGPIPE, SIG_IGN);

// What the helper has: its end of the conversation and the program's stdio.
struct Helper {
  Fd talk;
  Fd in, out, error;

  void running() const { sendTalk(talk.get(), {.type = TalkType::Running, .value = 42}); }
  void ended(int status) const { sendTalk(talk.get(), {.type = TalkType::Ended, .value = status}); }
  void failedAt(ExecStage stage, int errnoValue) const {
    sendTalk(
        talk.get(),
        {.type = TalkType::Failed, .stage = static_cast<std::uint8_t>(stage), .value = errnoValue});
  }
};

// Answers one Exec call and plays the helper.
FakeDaemon::Serve playing(std::function<void(Helper&)> act, Json* seen = nullptr) {
  return [act = std::move(act), seen](Connection& connection) {
    Connection::Call call = connection.next();
    if (seen != nullptr) *seen = call.message;
    Helper helper;
    helper.talk = std::move(call.fds.at(0));
    if (call.fds.size() == 4) {
      helper.in = std::move(call.fds[1]);
      helper.out = std::move(call.fds[2]);
      helper.error = std::move(call.fds[3]);
    }
    connection.reply({{"pid", 42}});
    act(helper);
  };
}

// The user's side of one run.
struct User {
  FdPair in = makePipe();
  FdPair out = makePipe();
  FdPair error = makePipe();
  ExecStreams streams() const { return {in.first.get(), out.second.get(), error.second.get()}; }
  std::string written() {
    out.second.reset();
    return readAll(out.first.get(), 1U << 24, "test");
  }
  std::string complained() {
    error.second.reset();
    return readAll(error.first.get(), 1U << 24, "test");
  }
};

ExecRequest request(std::vector<std::string> command) {
  ExecRequest exec;
  exec.context = "web1";
  exec.command = std::move(command);
  return exec;
}

int runWith(FakeDaemon& daemon, const User& user, const ExecRequest& exec) {
  const int code = [&] {
    api::Client client(daemon.path());
    return execute(client, exec, user.streams());
  }();
  daemon.finish();
  return code;
}

TEST(Exec, AsksForWhatTheUserWishes) {
  Json seen;
  FakeDaemon daemon(playing(
      [](Helper& helper) {
        helper.running();
        helper.ended(0);
      },
      &seen));
  ExecRequest exec = request({"ls", "-l"});
  exec.environment = {"A=b"};
  exec.directory = "/tmp";
  exec.user = "www";
  EXPECT_EQ(runWith(daemon, User(), exec), 0);
  EXPECT_EQ(seen, Json({{"method", "io.vsd.Exec"},
                        {"parameters",
                         {{"name", "web1"},
                          {"command", {"ls", "-l"}},
                          {"environment", {"A=b"}},
                          {"directory", "/tmp"},
                          {"user", "www"}}}}));
}

TEST(Exec, RelaysEveryByteAndTheEndOfInput) {
  std::string bytes;
  for (int i = 0; i < 40'000; ++i) bytes += static_cast<char>(i * 7);
  FakeDaemon daemon(playing([](Helper& helper) {
    helper.running();
    const std::string input = readAll(helper.in.get(), 1U << 24, "test");  // to the end of input
    writeAll(helper.out.get(), input, "test");
    writeAll(helper.error.get(), "done", "test");
    helper.ended(0);
  }));
  User user;
  std::thread typist([&] {
    writeAll(user.in.second.get(), bytes, "test");
    user.in.second.reset();
  });
  EXPECT_EQ(runWith(daemon, user, request({"cat"})), 0);
  typist.join();
  EXPECT_EQ(user.written(), bytes);
  EXPECT_EQ(user.complained(), "done");
}

TEST(Exec, ReturnsTheStatusOfTheProgram) {
  for (const int status : {0, 3, 137}) {
    FakeDaemon daemon(playing([status](Helper& helper) {
      helper.running();
      helper.ended(status);
    }));
    EXPECT_EQ(runWith(daemon, User(), request({"x"})), status);
  }
}

TEST(Exec, TellsWhyAProgramCouldNotBeStarted) {
  const std::pair<ExecStage, int> cases[] = {
      {ExecStage::NotFound, 127}, {ExecStage::NotExecutable, 126}, {ExecStage::User, 125}};
  for (const auto& [stage, code] : cases) {
    FakeDaemon daemon(playing([stage = stage](Helper& helper) { helper.failedAt(stage, EACCES); }));
    testing::internal::CaptureStderr();
    EXPECT_EQ(runWith(daemon, User(), request({"prog"})), code);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              fmt::format("vsctl: error: exec 'prog' in 'web1': {}: Permission denied\n",
                          describe(stage)));
  }
}

TEST(Exec, DrainsOutputThatIsLeftWhenTheProgramEnds) {
  const std::string output(60'000, 'x');
  Fd keptOpen;  // as by a child of the program that lives on
  FakeDaemon daemon(playing([&](Helper& helper) {
    helper.running();
    keptOpen = helper.out.duplicate();
    writeAll(helper.out.get(), output, "test");
    helper.ended(0);
  }));
  User user;
  std::string read;
  std::thread reader([&] {
    while (read.size() < output.size()) {
      char buffer[4096];
      const ssize_t got = ::read(user.out.first.get(), buffer, sizeof buffer);
      if (got <= 0) return;
      read.append(buffer, static_cast<std::size_t>(got));
    }
  });
  EXPECT_EQ(runWith(daemon, user, request({"x"})), 0);
  reader.join();
  EXPECT_EQ(read, output);
}

TEST(Exec, EndsTheProgramsPipeWhenNobodyReadsItsOutput) {
  int problem = 0;
  FakeDaemon daemon(playing([&](Helper& helper) {
    helper.running();
    for (int i = 0; i < 10'000'000 && problem == 0; ++i)
      if (::write(helper.out.get(), "y\n", 2) < 0) problem = errno;
    helper.ended(141);
  }));
  User user;
  user.out.first.reset();
  EXPECT_EQ(runWith(daemon, user, request({"yes"})), 141);
  EXPECT_EQ(problem, EPIPE);
}

TEST(Exec, GoesOnWhenTheProgramReadsNoInput) {
  FakeDaemon daemon(playing([](Helper& helper) {
    helper.running();
    helper.in.reset();
    writeAll(helper.out.get(), "fine", "test");
    helper.ended(0);
  }));
  User user;
  writeAll(user.in.second.get(), "unwanted", "test");
  EXPECT_EQ(runWith(daemon, user, request({"x"})), 0);
  EXPECT_EQ(user.written(), "fine");
}

TEST(Exec, ForwardsSignalsAlsoThoseThatComeBeforeTheProgramRuns) {
  const pthread_t us = ::pthread_self();
  std::vector<int> received;
  FakeDaemon daemon(playing([&](Helper& helper) {
    ::pthread_kill(us, SIGUSR1);
    std::this_thread::sleep_for(Millis(20));
    helper.running();
    received.push_back(receiveTalk(helper.talk.get(), Millis(5000))->message.value);
    ::pthread_kill(us, SIGTERM);
    received.push_back(receiveTalk(helper.talk.get(), Millis(5000))->message.value);
    helper.ended(143);
  }));
  EXPECT_EQ(runWith(daemon, User(), request({"sleep"})), 143);
  EXPECT_EQ(received, (std::vector<int>{SIGUSR1, SIGTERM}));
}

TEST(Exec, ASecondSignalOfAKindDoesNotWaitForAProgramThatNeverRuns) {
  const pthread_t us = ::pthread_self();
  FakeDaemon daemon(playing([&](Helper& helper) {
    ::pthread_kill(us, SIGTERM);
    std::this_thread::sleep_for(Millis(50));
    ::pthread_kill(us, SIGTERM);
    EXPECT_FALSE(receiveTalk(helper.talk.get(), Millis(5000))) << "the helper sees its caller go";
  }));
  EXPECT_EQ(runWith(daemon, User(), request({"sleep"})), 143);
}

TEST(Exec, ThrowsWhatTheDaemonAnswers) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();  // its descriptors close first: the conversation ends before the answer
    connection.send(
        {{"error", "io.vsd.NotFound"}, {"parameters", {{"message", "no context 'web1'"}}}});
    connection.next();
  });
  try {
    runWith(daemon, User(), request({"x"}));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::NotFound);
    EXPECT_EQ(error.text(), "no context 'web1'");
  }
}

TEST(Exec, ThrowsWhenTheHelperVanishes) {
  FakeDaemon daemon(playing([](Helper& helper) {
    helper.running();
    helper.talk.reset();
  }));
  EXPECT_THROW(runWith(daemon, User(), request({"x"})), Error);
}

TEST(Exec, DoesNotMindADaemonThatGoesAwayMeanwhile) {
  Helper escaped;
  std::thread later;
  FakeDaemon daemon([&](Connection& connection) {
    Connection::Call call = connection.next();
    escaped.talk = std::move(call.fds.at(0));
    escaped.out = std::move(call.fds.at(2));
    escaped.running();
    std::this_thread::sleep_for(Millis(20));
    later = std::thread([&escaped] {  // after this connection's end
      std::this_thread::sleep_for(Millis(30));
      escaped.ended(5);
    });
  });
  EXPECT_EQ(runWith(daemon, User(), request({"x"})), 5);
  later.join();
}

struct Pty {
  Fd master, slave;
  explicit Pty(winsize size) {
    int a = -1;
    int b = -1;
    check(::openpty(&a, &b, nullptr, nullptr, &size), "open a terminal");
    master = Fd(a);
    slave = Fd(b);
  }
  bool isRaw() const {
    termios mode{};
    check(::tcgetattr(slave.get(), &mode), "look at the terminal");
    return (mode.c_lflag & ICANON) == 0;
  }
};

std::string readSome(int fd) {
  if (!waitReadable(fd, Millis(5000))) return "(nothing)";
  char buffer[1024];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

TEST(Exec, ShowsTheProgramsTerminalOnTheUsersAndPutsThatBack) {
  ::setenv("TERM", "xterm-test", 1);
  Pty user({30, 100, 0, 0});
  Json seen;
  bool wasRaw = false;
  std::string typed;
  winsize resized{};
  const pthread_t us = ::pthread_self();
  FakeDaemon daemon(playing(
      [&](Helper& helper) {
        Pty program({30, 100, 0, 0});
        sendTalk(helper.talk.get(), {.type = TalkType::Terminal}, program.master.get());
        helper.running();
        writeAll(program.slave.get(), "prompt", "test");
        EXPECT_EQ(readSome(user.master.get()), "prompt");
        wasRaw = user.isRaw();
        writeAll(user.master.get(), "line\r", "test");
        typed = readSome(program.slave.get());
        const winsize larger{50, 120, 0, 0};
        ::ioctl(user.slave.get(), TIOCSWINSZ, &larger);
        ::pthread_kill(us, SIGWINCH);
        for (int i = 0; i < 500 && resized.ws_row != 50; ++i) {
          std::this_thread::sleep_for(Millis(2));
          ::ioctl(program.slave.get(), TIOCGWINSZ, &resized);
        }
        writeAll(program.slave.get(), "bye", "test");
        helper.ended(0);
      },
      &seen));
  ExecRequest exec = request({"sh"});
  exec.terminal = true;
  api::Client client(daemon.path());
  EXPECT_EQ(execute(client, exec, {user.slave.get(), user.slave.get(), 2}), 0);
  daemon.finish();
  EXPECT_EQ(seen["parameters"], Json({{"name", "web1"},
                                      {"command", {"sh"}},
                                      {"terminal", true},
                                      {"columns", 100},
                                      {"rows", 30},
                                      {"environment", {"TERM=xterm-test"}}}));
  EXPECT_TRUE(wasRaw);
  EXPECT_EQ(typed, "line\n");
  EXPECT_EQ(resized.ws_col, 120);
  EXPECT_FALSE(user.isRaw());
  std::string shown;
  while (!shown.ends_with("bye") && !shown.ends_with("(nothing)"))
    shown += readSome(user.master.get());
  EXPECT_EQ(shown, "line\r\nbye");  // the program's terminal echoed the line
}

TEST(DetachKey, IsAControlKeyOrNone) {
  EXPECT_EQ(parseDetachKey("ctrl-]"), '\x1d');
  EXPECT_EQ(parseDetachKey("ctrl-a"), '\x01');
  EXPECT_EQ(parseDetachKey("none"), std::nullopt);
  for (const char* text : {"", "x", "ctrl-", "ctrl-1", "ctrl-ab", "alt-x"})
    EXPECT_THROW(parseDetachKey(text), Error) << text;
}

TEST(Console, PassesMessagesAndLeavesAtTheKey) {
  FdPair console = makeSocketPair(SOCK_SEQPACKET);
  FdPair in = makePipe();
  FdPair out = makePipe();
  writeAll(in.second.get(), "root\n\x1drest", "test");
  sendWithFds(console.second.get(), "dlogin: ", {});
  EXPECT_EQ(relayConsole(console.first, '\x1d', in.first.get(), out.second.get()),
            ConsoleEnd::Detached);
  EXPECT_EQ(receiveWithFds(console.second.get(), 100).bytes, "droot\n");
  EXPECT_EQ(readSome(out.first.get()), "login: ");
}

TEST(Console, EndsWhenTheConsoleIsClosed) {
  FdPair console = makeSocketPair(SOCK_SEQPACKET);
  FdPair in = makePipe();
  FdPair out = makePipe();
  sendWithFds(console.second.get(), "dbye", {});
  console.second.reset();
  EXPECT_EQ(relayConsole(console.first, '\x1d', in.first.get(), out.second.get()),
            ConsoleEnd::Closed);
  EXPECT_EQ(readSome(out.first.get()), "bye");
}

TEST(Console, TellsTheSizeOfTheTerminal) {
  FdPair console = makeSocketPair(SOCK_SEQPACKET);
  Pty user({30, 100, 0, 0});
  writeAll(user.master.get(), "\x1d\n", "test");  // the newline: the key is typed in canonical mode
  relayConsole(console.first, '\x1d', user.slave.get(), user.slave.get());
  EXPECT_EQ(receiveWithFds(console.second.get(), 100).bytes, "w100 30");
}

}  // namespace
}  // namespace vs::ctl
