// The real server on a real socket, with handlers of the test.
#include "vsd/api/server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <ctime>
#include <thread>

#include "interface_text.hpp"
#include "vsd/api/client.hpp"
#include "vsd/api/framing.hpp"
#include "vsd/api/handlers.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs::api {
namespace {

Fd connectTo(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect");
  return socket;
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as the daemon and vsctl do
    service_.add("Info", [](Call&) -> Outcome {
      return Answer{{{"version", "1"},
                     {"pid", 1},
                     {"uptime", 2},
                     {"host", "h"},
                     {"stateDirectory", "/s"},
                     {"contexts", 0},
                     {"running", 0}},
                    {}};
    });
    service_.add("Show", [](Call& call) -> Outcome {
      throw Error(Kind::NotFound,
                  "there is no context '" + call.parameters.at("name").get<std::string>() + "'")
          .withHint("see 'vsctl list'");
    });
    service_.add(
        "ShowSecurity",
        [](Call&) -> Outcome {
          std::this_thread::sleep_for(Millis(700));
          return Answer{};
        },
        Pace::Slow);
    service_.add("Console", [](Call&) -> Outcome {
      Answer answer;
      FdPair pipe = makePipe();
      writeAll(pipe.second.get(), "from the server", "pipe");
      answer.fds.push_back(std::move(pipe.first));
      return answer;
    });
    service_.add("Start", [this](Call& call) -> Outcome {
      Watch watch;
      OperationRequest request;
      request.verb = "start";
      request.object = call.parameters.at("name");
      watch.operation = operations_.start(request, [request](Operation& operation) {
        operation.step("one");
        std::this_thread::sleep_for(Millis(50));
        operation.step("two");
        if (request.object == "bad") throw failed("it broke").withHint("mend it");
        std::this_thread::sleep_for(Millis(50));
      });
      watch.reply = operationReply;
      watch.once = call.flag("async");
      return watch;
    });
    server_.emplace(loop_, service_, listenAt(path(), "no-such-group-here"));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ServerTest() override {
    loop_.stop();
    thread_.join();
  }
  std::string path() const { return directory_.path() + "/sock"; }

  // What the server answers to these bytes before it closes or half a second is over.
  std::string answerTo(const std::string& bytes) {
    const Fd socket = connectTo(path());
    try {
      writeAll(socket.get(), bytes, "garbage");
    } catch (const Error&) {
      return "closed";
    }
    std::string answer;
    while (waitReadable(socket.get(), Millis(500))) {
      char buffer[4096];
      const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return answer + "closed";
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
  }

  TempDir directory_;
  Journal journal_{directory_.path() + "/vsd.db"};
  asio::io_context loop_{1};  // outlives the operations, which tell it of their changes
  Operations operations_{journal_};
  Service service_{std::string(kInterfaceText), "1"};
  std::optional<Server> server_;
  std::thread thread_;
};

TEST_F(ServerTest, AnswersAndTheAnswerFitsTheInterface) {
  Client client(path());
  const Reply reply = client.call("Info", Json::object());
  EXPECT_EQ(reply.parameters.at("stateDirectory"), "/s");
  EXPECT_NO_THROW(service_.checkReply("Info", reply.parameters));
}

TEST_F(ServerTest, TurnsErrorsIntoTypedReplies) {
  Client client(path());
  try {
    client.call("Show", {{"name", "web9"}});
    FAIL();
  } catch (const CallError& error) {
    EXPECT_EQ(error.kind(), Kind::NotFound);
    EXPECT_EQ(error.text(), "there is no context 'web9'");
    EXPECT_EQ(error.hint(), "see 'vsctl list'");
  }
}

TEST_F(ServerTest, RefusesParametersThatDoNotFitBeforeAnyHandler) {
  Client client(path());
  try {
    client.call("Show", {{"name", 5}, {"colour", "red"}});
    FAIL();
  } catch (const CallError& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_EQ(error.blockers(), (std::vector<std::string>{"name: a text was expected",
                                                          "colour: is no field of this"}));
  }
}

TEST_F(ServerTest, PassesDescriptorsWithAReply) {
  Client client(path());
  Reply reply = client.call("Console", {{"name", "web1"}});
  ASSERT_EQ(reply.fds.size(), 1U);
  EXPECT_EQ(readAll(reply.fds[0].get(), 100, "pipe"), "from the server");
}

TEST_F(ServerTest, TellsOfAnOperationUntilItsEnd) {
  Client client(path());
  std::vector<std::size_t> steps;
  const Reply last = client.callMore("Start", {{"name", "web1"}}, [&steps](const Reply& reply) {
    steps.push_back(reply.parameters.at("operation").at("steps").size());
  });
  EXPECT_EQ(last.parameters.at("operation").at("state"), "done");
  EXPECT_NO_THROW(service_.checkReply("Start", last.parameters));
  EXPECT_FALSE(steps.empty());
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
}

TEST_F(ServerTest, AFailedOperationIsAnErrorThatNamesIt) {
  Client client(path());
  try {
    client.call("Start", {{"name", "bad"}});
    FAIL();
  } catch (const CallError& error) {
    EXPECT_EQ(error.text(), "it broke");
    EXPECT_EQ(error.step(), "two");
    EXPECT_EQ(error.operation(), "1");
  }
}

TEST_F(ServerTest, AsyncAnswersAtOnceAndTheOperationGoesOnWithoutItsClient) {
  std::string id;
  {
    Client client(path());
    const Reply reply = client.call("Start", {{"name", "web1"}, {"async", true}});
    EXPECT_EQ(reply.parameters.at("operation").at("state"), "running");
    id = reply.parameters.at("operation").at("id");
  }
  for (int i = 0; i < 200 && operations_.show(id).state == OperationState::Running; ++i)
    std::this_thread::sleep_for(Millis(10));
  EXPECT_EQ(operations_.show(id).state, OperationState::Done);
}

TEST_F(ServerTest, TellsOfItselfAsVarlinkServicesDo) {
  Client client(path());
  EXPECT_EQ(client.call("org.varlink.service.GetInfo", Json::object()).parameters.at("interfaces"),
            Json({"org.varlink.service", "io.vsd"}));
  EXPECT_EQ(client.call("org.varlink.service.GetInterfaceDescription", {{"interface", "io.vsd"}})
                .parameters.at("description"),
            kInterfaceText);
}

TEST_F(ServerTest, AnswersBrokenCallsAndClosesThem) {
  EXPECT_NE(answerTo(std::string("not json\0", 9)).find("io.vsd.InvalidParameter"),
            std::string::npos);
  EXPECT_TRUE(answerTo(std::string("not json\0", 9)).ends_with("closed"));
  EXPECT_NE(answerTo(std::string("[1]\0", 4)).find("io.vsd.InvalidParameter"), std::string::npos);
  EXPECT_NE(answerTo(std::string("{\"method\":\"io.vsd.Nothing\"}\0", 28))
                .find("org.varlink.service.MethodNotFound"),
            std::string::npos);
  EXPECT_NE(answerTo(std::string("{\"method\":\"other.Info\"}\0", 24))
                .find("org.varlink.service.InterfaceNotFound"),
            std::string::npos);
}

TEST_F(ServerTest, BoundsAFloodAndServesTheOthers) {
  EXPECT_EQ(answerTo(std::string(3U << 20, 'x')), "closed");
  std::vector<Fd> halves;  // calls begun and never finished
  for (int i = 0; i < 100; ++i) {
    halves.push_back(connectTo(path()));
    writeAll(halves.back().get(), "{\"method\":", "half a call");
  }
  Client client(path());
  client.setDeadline(deadlineIn(Millis(5000)));
  EXPECT_EQ(client.call("Info", Json::object()).parameters.at("host"), "h");
}

TEST_F(ServerTest, SlowCallsHoldNobodyElseUp) {
  std::vector<Fd> waiting;
  const std::string call = encodeFrame(
      {{"method", "io.vsd.ShowSecurity"}, {"parameters", {{"name", "slow"}}}}, BadText::Refuse);
  for (int i = 0; i < 40; ++i) {
    waiting.push_back(connectTo(path()));
    writeAll(waiting.back().get(), call, "call");
  }
  const Deadline soon = deadlineIn(Millis(500));
  Client(path()).call("Info", Json::object());
  EXPECT_LT(std::chrono::steady_clock::now(), soon);
}

// The effective user of this thread alone: what the other side of a connection sees.
void become(uid_t user) {
  check(static_cast<int>(::syscall(SYS_setresuid, -1, user, -1)), "become uid {}", user);
}

TEST_F(ServerTest, KeepsConnectionsForRootThatOthersCannotTake) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  const uid_t us = ::geteuid();
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  std::vector<Fd> others;
  if (us == 0) become(65534);
  for (int i = 0; i < kMaxConnections - kForRoot; ++i) others.push_back(connectTo(path()));
  const Fd oneTooMany = connectTo(path());
  if (us == 0) become(0);
  char byte;
  ASSERT_TRUE(waitReadable(oneTooMany.get(), Millis(2000)));
  EXPECT_EQ(::recv(oneTooMany.get(), &byte, 1, 0), 0) << "closed at once";
  EXPECT_FALSE(waitReadable(others.front().get(), Millis(0))) << "the others are not";
  if (us != 0) return;  // then nobody here could take what is root's
  EXPECT_EQ(Client(path()).call("Info", Json::object()).parameters.at("version"), "1");
}

TEST_F(ServerTest, WithoutDescriptorsItWaitsInsteadOfSpinning) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Fd socket = connectTo(path());
  Fd waiting(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const rlimit none{static_cast<rlim_t>(waiting.get()) + 2, before.rlim_max};
  std::this_thread::sleep_for(Millis(50));  // the first one is accepted
  std::vector<Fd> fillers;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) fillers.emplace_back(fd);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(waiting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  const std::clock_t began = std::clock();
  std::this_thread::sleep_for(Millis(500));
  EXPECT_LT(std::clock() - began, CLOCKS_PER_SEC / 10) << "processor time of the whole test";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  writeAll(waiting.get(), encodeFrame({{"method", "io.vsd.Info"}}, BadText::Refuse), "call");
  EXPECT_TRUE(waitReadable(waiting.get(), Millis(2000))) << "served when there are some again";
}

TEST(Listen, ReplacesADeadSocketAndRefusesALivingOne) {
  const TempDir directory;
  const std::string path = directory.path() + "/sock";
  { const Fd dead = listenAt(path, "root"); }
  const Fd living = listenAt(path, "root");
  EXPECT_THROW(listenAt(path, "root"), Error);
}

}  // namespace
}  // namespace vs::api
