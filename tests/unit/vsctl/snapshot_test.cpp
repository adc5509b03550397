// The verbs on snapshots as the user types them, against a daemon played by the test.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_daemon.hpp"
#include "vsctl/session.hpp"
#include "vsctl/verbs.hpp"

namespace vs::ctl {
namespace {

using test::Connection;
using test::FakeDaemon;

struct Seen {
  int code = 0;
  std::string out;
  std::string err;
};

Seen type(const FakeDaemon& daemon, std::vector<std::string> words) {
  const FoundVerb found = findVerb(words);
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(found.words));
  Parser parser = makeParser(*found.verb);
  parser.flags->parse(words);
  parser.globals->socket = daemon.path();
  Session session(*parser.globals, {});
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Seen seen;
  try {
    seen.code = parser.action(session);
  } catch (const Error& error) {
    seen.code = session.report(error);
  }
  seen.out = testing::internal::GetCapturedStdout();
  seen.err = testing::internal::GetCapturedStderr();
  return seen;
}

Json done(Json notes = Json::array()) {
  return {
      {"operation",
       {{"id", "7"}, {"state", "done"}, {"steps", Json::array()}, {"notes", std::move(notes)}}}};
}

TEST(SnapshotSchedule, SendsTheRulesAsTheyAreTyped) {
  std::vector<Json> calls;
  FakeDaemon daemon([&](Connection& connection) {
    calls.push_back(connection.next().parameters());
    connection.reply(done());
  });
  EXPECT_EQ(type(daemon, {"snapshot", "schedule", "web", "hourly=24", "daily=7"}).code, 0);
  EXPECT_EQ(type(daemon, {"snapshot", "schedule", "web", "off"}).code, 0);
  daemon.finish();
  EXPECT_EQ(calls,
            (std::vector<Json>{{{"name", "web"}, {"schedule", {{"hourly", 24}, {"daily", 7}}}},
                               {{"name", "web"}, {"schedule", Json::object()}}}));
}

TEST(SnapshotSchedule, RefusesWhatIsNoRule) {
  FakeDaemon daemon([](Connection&) {});
  for (const char* rule : {"hourly", "hourly=", "hourly=0", "hourly=367", "hourly=many"})
    EXPECT_EQ(type(daemon, {"snapshot", "schedule", "web", rule}).code, 2) << rule;
  EXPECT_EQ(type(daemon, {"snapshot", "schedule", "web", "daily=1", "daily=2"}).code, 2);
  EXPECT_EQ(type(daemon, {"snapshot", "schedule", "web", "off", "daily=2"}).code, 2);
}

TEST(SnapshotSchedule, ShowsWhatThereIsAndWhatIsWrong) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.reply({{"rules",
                       {{{"period", "hourly"},
                         {"keep", 24},
                         {"kept", 0},
                         {"next", "2026-11-21T22:00:00.000Z"}}}},
                      {"trouble", "the pool\nis full"}});
  });
  const Seen seen = type(daemon, {"snapshot", "schedule", "web"});
  EXPECT_EQ(seen.out,
            "PERIOD  KEEP  KEPT  NEWEST  NEXT\nhourly    24     0  -       2026-11-21 22:00\n");
  EXPECT_EQ(seen.err, "the snapshot that is due cannot be taken: the pool?is full\n");
}

// Writes the lines to the descriptor that comes with the call, then replies.
FakeDaemon::Serve comparing(const std::string& lines, const Json& reply) {
  return [lines, reply](Connection& connection) {
    const Connection::Call call = connection.next();
    writeAll(call.fds.at(0).get(), lines, "test");
    connection.send(reply);
  };
}

constexpr const char* kLines =
    R"({"change":"added","type":"directory","path":"/new","what":[]}
{"change":"removed","type":"file","path":"/o\\x1bld","what":[],"size":1}
{"change":"changed","type":"file","path":"/etc/hosts","what":["content","mode"],"size":2}
)";

TEST(SnapshotDiff, PrintsALineForEachDifference) {
  FakeDaemon daemon(comparing(kLines, {{"parameters", done({"2 were not looked into"})}}));
  const Seen seen = type(daemon, {"snapshot", "diff", "web", "s1", "s2"});
  EXPECT_EQ(seen.code, 0);
  EXPECT_EQ(seen.out, "+ /new/\n- /o\\x1bld\nM /etc/hosts (content, mode)\n");
  EXPECT_EQ(seen.err, "2 were not looked into\n");
}

TEST(SnapshotDiff, IsADocumentForPrograms) {
  FakeDaemon daemon(comparing(kLines, {{"parameters", done()}}));
  const Seen seen =
      type(daemon, {"snapshot", "diff", "web", "s1", "--format", "csv", "--filter", "size=2"});
  EXPECT_EQ(seen.out, "path,change,type,what,size\n/etc/hosts,changed,file,\"content,mode\",2\n");
}

TEST(SnapshotDiff, PrintsMoreThanAPipeHolds) {
  std::string lines;
  for (int i = 0; i < 5000; ++i)
    lines += fmt::format(R"({{"change":"added","type":"fifo","path":"/{}","what":[]}})"
                         "\n",
                         i);
  FakeDaemon daemon(comparing(lines, {{"parameters", done()}}));
  const Seen seen = type(daemon, {"snapshot", "diff", "web", "s1"});
  EXPECT_EQ(std::ranges::count(seen.out, '\n'), 5000);
  EXPECT_TRUE(seen.out.ends_with("+ /4999\n"));
}

TEST(SnapshotDiff, RefusesWhatItCannotBe) {
  FakeDaemon daemon([](Connection&) {});
  EXPECT_EQ(type(daemon, {"snapshot", "diff", "web", "s1", "--async"}).code, 2);
  EXPECT_EQ(type(daemon, {"snapshot", "diff", "web", "s1", "s2", "s3"}).code, 2);
}

TEST(SnapshotDiff, FailsAsTheDaemonSays) {
  FakeDaemon daemon(comparing(
      "", {{"error", "io.vsd.Cancelled"}, {"parameters", {{"message", "it was cancelled"}}}}));
  const Seen seen = type(daemon, {"snapshot", "diff", "web", "s1"});
  EXPECT_NE(seen.code, 0);
  EXPECT_EQ(seen.err, "vsctl: error: it was cancelled\n");
}

}  // namespace
}  // namespace vs::ctl
