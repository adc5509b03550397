#include "checkpoint/criu.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "checkpoint/criu_rpc.pb.h"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::checkpoint {
namespace {

// The other end of the talk: says what it is told to, and keeps what it hears.
class FakeCriu {
 public:
  FakeCriu() : pair_(makeSocketPair(SOCK_SEQPACKET)), log_(openDirectory(scratch_.path())) {}

  int socket() const { return pair_.first.get(); }
  int log() const { return log_.get(); }
  void writeLog(const std::string& text) { writeAtomic(scratch_.path() + "/the.log", text); }
  void hangUp() { pair_.second.reset(); }

  void say(rpc::Response response, std::span<const int> fds = {}) {
    sendWithFds(pair_.second.get(), response.SerializeAsString(), fds);
  }
  void notify(const std::string& script, pid_t pid = 0, std::span<const int> fds = {}) {
    rpc::Response response;
    response.set_type(rpc::NOTIFY);
    response.set_success(true);
    response.mutable_notify()->set_script(script);
    if (pid != 0) response.mutable_notify()->set_pid(pid);
    say(response, fds);
  }
  void finish(bool success, pid_t pid = 0) {
    rpc::Response response;
    response.set_type(rpc::RESTORE);
    response.set_success(success);
    response.mutable_restore()->set_pid(pid);
    say(response);
  }
  std::string hear() { return receiveWithFds(pair_.second.get(), 65536).bytes; }
  bool heardYes() {
    rpc::Request request;
    return request.ParseFromString(hear()) && request.type() == rpc::NOTIFY &&
           request.notify_success();
  }

 private:
  TempDir scratch_;
  FdPair pair_;
  Fd log_;
};

Reply askIt(
    FakeCriu& criu, const Listener& listener = [](Notification&) {}) {
  return ask(criu.socket(), "request", listener, Millis(5000), criu.log(), "the.log");
}

TEST(Criu, StagesAreHeardInOrderAndAnsweredYes) {
  FakeCriu criu;
  const FdPair terminal = makePipe();
  const int carried[] = {terminal.second.get()};
  criu.notify("setup-namespaces", 77);
  criu.notify("orphan-pts-master", 0, carried);
  criu.notify("pre-stream");
  criu.notify("post-restore", 77);
  criu.notify("pre-resume");
  criu.finish(true, 77);
  std::vector<Stage> stages;
  bool gotTerminal = false;
  const Reply reply = askIt(criu, [&](Notification& notification) {
    stages.push_back(notification.stage);
    if (notification.fd) gotTerminal = notification.stage == Stage::ConsoleMaster;
  });
  EXPECT_EQ(reply.pid, 77);
  EXPECT_TRUE(gotTerminal);
  EXPECT_EQ(stages, (std::vector{Stage::SetupNamespaces, Stage::ConsoleMaster, Stage::Other,
                                 Stage::PostRestore, Stage::PreResume}));
  EXPECT_EQ(criu.hear(), "request");
  for (std::size_t i = 0; i < stages.size(); ++i) EXPECT_TRUE(criu.heardYes());
}

TEST(Criu, WhatTheListenerThrowsIsTheAnswerNoAndTheError) {
  FakeCriu criu;
  criu.notify("setup-namespaces", 5);
  criu.notify("post-restore", 5);
  criu.finish(false);
  int calls = 0;
  try {
    askIt(criu, [&](Notification&) {
      ++calls;
      throw invalid("no such network");
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "no such network");
  }
  EXPECT_EQ(calls, 1);
  criu.hear();
  EXPECT_FALSE(criu.heardYes());
  EXPECT_FALSE(criu.heardYes());
}

TEST(Criu, AFailureIsTheFirstErrorOfItsLog) {
  FakeCriu criu;
  criu.writeLog("(0.1) Error (criu/a.c:1): first\n(0.2) Error (criu/b.c:2): second\n");
  criu.finish(false);
  try {
    askIt(criu);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "criu: first");
  }
}

TEST(Criu, ThatItEndsOrSaysNonsenseIsAFailure) {
  FakeCriu ended;
  ended.hangUp();
  EXPECT_THROW(askIt(ended), Error);
  FakeCriu mad;
  rpc::Response response;
  response.set_type(rpc::RESTORE);
  response.set_success(false);
  mad.say(response);
  try {
    askIt(mad);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "criu gave no reason");
  }
}

TEST(Criu, ItsSilenceIsATimeout) {
  FakeCriu criu;
  try {
    ask(
        criu.socket(), "request", [](Notification&) {}, Millis(50), criu.log(), "the.log");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::TimedOut);
  }
}

}  // namespace
}  // namespace vs::checkpoint
