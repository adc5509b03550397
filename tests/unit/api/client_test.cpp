// The client against a socket on which the test plays the daemon.
#include "vsd/api/client.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/fake_daemon.hpp"

namespace vs::api {
namespace {

using test::Connection;
using test::FakeDaemon;

// The error that `act` throws, as the text a user would see of all its parts.
template <typename Act>
std::string errorOf(Act act) {
  try {
    act();
  } catch (const CallError& error) {
    return fmt::format("{} '{}' step={} errno={} hint={} blockers={} operation={}",
                       nameOf(error.kind()), error.text(), error.step(), error.errnoValue(),
                       error.hint(), fmt::join(error.blockers(), ";"), error.operation());
  } catch (const Error& error) {
    return fmt::format("{} '{}'", nameOf(error.kind()), error.text());
  }
  return "no error";
}

TEST(Client, SendsAMethodWithItsParametersAndReturnsTheReply) {
  Json seen;
  FakeDaemon daemon([&](Connection& connection) {
    seen = connection.next().message;
    connection.reply({{"pid", 7}});
  });
  Client client(daemon.path());
  EXPECT_EQ(client.call("Info", {{"a", 1}}).parameters, Json({{"pid", 7}}));
  EXPECT_EQ(seen, Json({{"method", "io.vsd.Info"}, {"parameters", {{"a", 1}}}}));
}

TEST(Client, SendsADottedNameAsItIs) {
  FakeDaemon daemon([](Connection& connection) {
    connection.reply({{"method", connection.next().method()}});
  });
  Client client(daemon.path());
  EXPECT_EQ(client.call("org.varlink.service.GetInfo", Json::object()).parameters["method"],
            "org.varlink.service.GetInfo");
}

TEST(Client, GivesEveryReplyThatContinuesAndReturnsTheLast) {
  FakeDaemon daemon([](Connection& connection) {
    const bool asksForMore = connection.next().message.value("more", false);
    connection.replyAndContinue({{"n", 1}, {"more", asksForMore}});
    connection.replyAndContinue({{"n", 2}});
    connection.reply({{"n", 3}});
  });
  Client client(daemon.path());
  std::vector<Json> between;
  const Reply last = client.callMore(
      "Start", Json::object(), [&](const Reply& reply) { between.push_back(reply.parameters); });
  EXPECT_EQ(between, (std::vector<Json>{{{"n", 1}, {"more", true}}, {{"n", 2}}}));
  EXPECT_EQ(last.parameters, Json({{"n", 3}}));
}

TEST(Client, CarriesDescriptorsBothWays) {
  FakeDaemon daemon([](Connection& connection) {
    Connection::Call call = connection.next();
    ASSERT_EQ(call.fds.size(), 1U);
    writeAll(call.fds[0].get(), "to the client", "test");
    FdPair pipe = makePipe();
    writeAll(pipe.second.get(), "from the daemon", "test");
    connection.reply(Json::object(), {pipe.first.get()});
  });
  FdPair pipe = makePipe();
  Client client(daemon.path());
  const int given = pipe.second.get();
  const Reply reply = client.call("Console", Json::object(), {&given, 1});
  pipe.second.reset();
  EXPECT_EQ(readAll(pipe.first.get(), 100, "test"), "to the client");
  ASSERT_EQ(reply.fds.size(), 1U);
  EXPECT_EQ(readAll(reply.fds[0].get(), 100, "test"), "from the daemon");
}

TEST(Client, ReadsAReplyThatIsManyReadsLong) {
  const std::string text(3U << 20, 'x');
  FakeDaemon daemon([&](Connection& connection) {
    connection.next();
    connection.reply({{"text", text}});
  });
  Client client(daemon.path());
  EXPECT_EQ(client.call("Log", Json::object()).parameters["text"], text);
}

TEST(Client, ThrowsAnErrorReplyWithEverythingItSays) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.send({{"error", "io.vsd.Failed"},
                     {"parameters",
                      {{"message", "start context 'web1': no"},
                       {"hint", "do it"},
                       {"operation", "17"},
                       {"step", "mount root"},
                       {"errno", 12}}}});
    connection.next();
    connection.send({{"error", "io.vsd.InvalidParameter"},
                     {"parameters", {{"message", "bad"}, {"problems", {"one", "two"}}}}});
  });
  Client client(daemon.path());
  EXPECT_EQ(errorOf([&] { client.call("Start", Json::object()); }),
            "Failed 'start context 'web1': no' step=mount root errno=12 hint=do it blockers= "
            "operation=17");
  EXPECT_EQ(errorOf([&] { client.call("Start", Json::object()); }),
            "InvalidParameter 'bad' step= errno=0 hint= blockers=one;two operation=");
}

TEST(ErrorFrom, KnowsTheErrorsOfVarlinkItself) {
  EXPECT_EQ(errorOf([] {
              throw errorFrom("org.varlink.service.MethodNotFound", {{"method", "io.vsd.New"}});
            }),
            "Unsupported 'the daemon does not know the method io.vsd.New' step= errno=0 hint=the "
            "daemon may be older than this program; 'vsctl info' tells its version blockers= "
            "operation=");
  EXPECT_EQ(errorOf([] {
              throw errorFrom("org.varlink.service.InvalidParameter", {{"parameter", "name"}});
            }),
            "InvalidParameter 'the daemon refuses the parameter 'name'' step= errno=0 hint= "
            "blockers= operation=");
}

TEST(ErrorFrom, TakesAnUnknownErrorForAFailure) {
  EXPECT_EQ(errorFrom("io.vsd.Strange", Json::object()).kind(), Kind::Failed);
}

TEST(Client, SaysWhereItLookedWhenNobodyListens) {
  EXPECT_EQ(errorOf([] { Client client("/nonexistent/vsd.sock"); }),
            "Failed 'cannot reach the daemon at '/nonexistent/vsd.sock': it does not run'");
}

TEST(Client, RefusesASocketPathThatIsTooLong) {
  EXPECT_EQ(errorOf([] { Client client(std::string(200, 'x')); }),
            "InvalidParameter 'socket path '" + std::string(200, 'x') +
                "' is not between 1 and 107 bytes long'");
}

TEST(Client, SaysSoWhenTheDaemonGoesAwayBeforeItsReply) {
  FakeDaemon daemon([](Connection& connection) { connection.next(); });
  Client client(daemon.path());
  EXPECT_EQ(errorOf([&] { client.call("Start", Json::object()); }),
            "Failed 'the daemon at '" + daemon.path() + "' closed the connection'");
}

TEST(Client, RefusesRepliesThatAreNoVarlink) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.sendBytes(std::string_view("[1]\0{oops}\0", 11));
    connection.next();
  });
  Client client(daemon.path());
  EXPECT_EQ(errorOf([&] { client.call("Info", Json::object()); }),
            "Failed 'the daemon's reply is not an object'");
  EXPECT_EQ(errorOf([&] { client.receive(); }),
            "InvalidParameter 'the daemon's reply is not valid JSON at byte 2'");
}

TEST(Client, DoesNotWaitBeyondItsDeadline) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.next();  // until the client goes
  });
  Client client(daemon.path());
  client.setDeadline(deadlineIn(Millis(30)));
  EXPECT_EQ(errorOf([&] { client.call("Start", Json::object()); }),
            "TimedOut 'the daemon did not answer in time'");
}

TEST(Client, StopsWaitingWhenAnotherDescriptorIsReadable) {
  FakeDaemon daemon([](Connection& connection) {
    connection.next();
    connection.next();
  });
  Client client(daemon.path());
  client.send("Start", Json::object(), Client::Expect::Many);
  FdPair wake = makePipe();
  EXPECT_FALSE(client.receiveUnless(wake.first.get(), Millis(10)).has_value());
  writeAll(wake.second.get(), "x", "test");
  EXPECT_FALSE(client.receiveUnless(wake.first.get(), Millis(100'000)).has_value());
}

}  // namespace
}  // namespace vs::api
