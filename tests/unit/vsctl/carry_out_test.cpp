// Operations as the user sees them, against a daemon played by the test.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <regex>

#include "tests/support/fake_daemon.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {
namespace {

using test::Connection;
using test::FakeDaemon;

Json operation(const std::string& state, Json steps = Json::array()) {
  return {{"id", "7"}, {"state", state}, {"steps", std::move(steps)}, {"notes", Json::array()}};
}

struct Seen {
  int code = 0;
  std::string out;
  std::string err;
};

// Durations differ from run to run.
std::string withoutTimes(const std::string& text) {
  return std::regex_replace(text, std::regex("in [0-9.]+m?s"), "in TIME");
}

Seen carry(const FakeDaemon& daemon, Globals globals, std::vector<Work> works,
           unsigned parallel = 1) {
  globals.socket = daemon.path();
  Session session(globals, {});
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Seen seen;
  seen.code = carryOut(session, works, parallel);
  seen.out = withoutTimes(testing::internal::GetCapturedStdout());
  seen.err = withoutTimes(testing::internal::GetCapturedStderr());
  return seen;
}

Work start(const std::string& name) {
  return {{"start", "started"}, name, "Start", {{"name", name}}, {}};
}

// Ends every operation well, and those of "bad" and "gone" not.
void serve(Connection& connection) {
  for (;;) {
    const Connection::Call call = connection.next();
    if (call.method().empty()) return;
    const std::string name = call.parameters().value("name", "");
    if (name == "bad") {
      connection.send({{"error", "io.vsd.Busy"},
                       {"parameters", {{"message", "context 'bad' is busy"}, {"hint", "wait"}}}});
    } else if (name == "gone") {
      connection.send(
          {{"error", "io.vsd.NotFound"}, {"parameters", {{"message", "no context 'gone'"}}}});
    } else {
      connection.replyAndContinue({{"operation", operation("running")}});
      Json done = operation("done", {{{"name", "mount"}, {"state", "done"}, {"duration", 5}}});
      done["notes"] = {"mind the gap"};
      connection.reply({{"operation", done}});
    }
  }
}

TEST(CarryOut, SaysInOneLineWhatWasDone) {
  FakeDaemon daemon(serve);
  const Seen seen = carry(daemon, {}, {start("web1")});
  EXPECT_EQ(seen.code, 0);
  EXPECT_EQ(seen.out, "started 'web1' in TIME\n");
  EXPECT_EQ(seen.err, "  note: mind the gap\n");
}

TEST(CarryOut, TellsTheStepsWhenVerbose) {
  FakeDaemon daemon(serve);
  Globals globals;
  globals.verbose = true;
  EXPECT_EQ(carry(daemon, globals, {start("web1")}).err,
            "start 'web1': mount 5ms\n  note: mind the gap\n");
}

TEST(CarryOut, SaysNothingWhenQuietAndAllIsWell) {
  FakeDaemon daemon(serve);
  Globals globals;
  globals.quiet = true;
  const Seen seen = carry(daemon, globals, {start("web1")});
  EXPECT_EQ(seen.out + seen.err, "");
}

TEST(CarryOut, GoesOnAfterAnErrorAndReturnsTheCodeOfTheFirst) {
  FakeDaemon daemon(serve);
  const Seen seen = carry(daemon, {}, {start("web1"), start("bad"), start("gone"), start("web2")});
  EXPECT_EQ(seen.code, 5);
  EXPECT_EQ(seen.out, "started 'web1' in TIME\nstarted 'web2' in TIME\n");
  EXPECT_EQ(seen.err,
            "  note: mind the gap\n"
            "vsctl: error: context 'bad' is busy\n  hint: wait\n"
            "vsctl: error: no context 'gone'\n"
            "  note: mind the gap\n");
}

TEST(CarryOut, WorksOnSeveralAtATimeWithTheSameResult) {
  FakeDaemon daemon(serve);
  std::vector<Work> works;
  for (int i = 0; i < 20; ++i) works.push_back(start(i == 13 ? "gone" : fmt::format("c{}", i)));
  const Seen seen = carry(daemon, {}, works, 4);
  EXPECT_EQ(seen.code, 3);
  EXPECT_EQ(std::ranges::count(seen.out, '\n'), 19);
}

TEST(CarryOut, PrintsADocumentOfAllOperationsForPrograms) {
  FakeDaemon daemon(serve);
  Globals globals;
  globals.format = "json";
  const Seen seen = carry(daemon, globals, {start("web1"), start("gone")});
  const Json document = parseJson(seen.out, "test");
  EXPECT_EQ(document["kind"], "OperationList");
  ASSERT_EQ(document["items"].size(), 1U);
  EXPECT_EQ(document["items"][0]["state"], "done");
  EXPECT_EQ(parseJson(seen.err, "test"), Json({{"api", 1},
                                               {"kind", "Error"},
                                               {"code", "NotFound"},
                                               {"object", "gone"},
                                               {"message", "no context 'gone'"}}));
}

TEST(CarryOut, PrintsThePlanOfADryRun) {
  Json asked;
  FakeDaemon daemon([&](Connection& connection) {
    asked = connection.next().parameters();
    connection.reply({{"plan", {"mount the root", "start init"}}});
  });
  Globals globals;
  globals.dryRun = true;
  const Seen seen = carry(daemon, globals, {start("web1")});
  EXPECT_EQ(asked, Json({{"name", "web1"}, {"dryRun", true}}));
  EXPECT_EQ(seen.out, "start 'web1' would:\n  - mount the root\n  - start init\n");
}

TEST(CarryOut, PrintsTheIdOfAnOperationThatIsNotWaitedFor) {
  Json asked;
  FakeDaemon daemon([&](Connection& connection) {
    asked = connection.next().message;
    connection.reply({{"operation", operation("running")}});
  });
  Globals globals;
  globals.async = true;
  EXPECT_EQ(carry(daemon, globals, {start("web1")}).out, "7\n");
  EXPECT_EQ(asked, Json({{"method", "io.vsd.Start"},
                         {"parameters", {{"name", "web1"}, {"async", true}}}}));
}

TEST(CarryOut, GivesUpWaitingAtItsTimeout) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.replyAndContinue({{"operation", operation("running")}});
    connection.next();
  });
  Globals globals;
  globals.timeout = "50ms";
  const Seen seen = carry(daemon, globals, {start("web1")});
  EXPECT_EQ(seen.code, 10);
}

// Ctrl-C as soon as the operation runs; `again`: and once more when the abort was asked for.
enum class Again { No, Yes };
struct Aborted {
  std::string id;
  std::atomic<bool> asked{false};  // id is written before
};
FakeDaemon::Serve interrupted(Again again, Aborted& aborted) {
  return [again, &aborted](Connection& connection) {
    const Connection::Call call = connection.next();
    if (call.method() == "io.vsd.OperationAbort") {
      aborted.id = call.parameters().value("id", "");
      aborted.asked = true;
      connection.reply({{"operation", operation("running")}});
      if (again == Again::Yes) ::kill(::getpid(), SIGINT);
      return;
    }
    connection.replyAndContinue({{"operation", operation("running")}});
    ::kill(::getpid(), SIGINT);
    while (!aborted.asked) std::this_thread::sleep_for(Millis(1));
    if (again == Again::No)
      connection.send(
          {{"error", "io.vsd.Cancelled"}, {"parameters", {{"message", "start was cancelled"}}}});
    connection.next();  // until the client goes
  };
}

TEST(CarryOut, AsksTheDaemonToAbortAtCtrlC) {
  Aborted aborted;
  FakeDaemon daemon(interrupted(Again::No, aborted));
  const Seen seen = carry(daemon, {}, {start("web1"), start("web2")});
  EXPECT_EQ(aborted.id, "7");
  EXPECT_EQ(seen.code, 1);
  EXPECT_EQ(seen.out, "");
  EXPECT_EQ(seen.err,
            "start 'web1': asking the daemon to end it and to take back what it did; press Ctrl-C "
            "again to leave it running\n"
            "vsctl: error: start was cancelled\n"
            "vsctl: error: start 'web2' was not begun\n");
}

TEST(CarryOut, LeavesTheOperationRunningAtTheSecondCtrlC) {
  Aborted aborted;
  FakeDaemon daemon(interrupted(Again::Yes, aborted));
  const Seen seen = carry(daemon, {}, {start("web1")});
  EXPECT_EQ(seen.code, 130);
  EXPECT_TRUE(seen.err.ends_with(
      "start 'web1' goes on as operation 7: 'vsctl operation wait 7' follows it, 'vsctl operation "
      "abort 7' stops it\n"))
      << seen.err;
}

}  // namespace
}  // namespace vs::ctl
