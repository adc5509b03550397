#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/process.hpp"
#include "vsd/base/rollback.hpp"

namespace vs {
namespace {

TEST(Names, AreEscapedSoThatATerminalIsSafeAndNoTwoLookAlike) {
  EXPECT_EQ(escaped("/etc/h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "/etc/h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(escaped("a\n\x1b[31m\x7f"), "a\\x0a\\x1b[31m\\x7f");
  EXPECT_EQ(escaped("\\x0a"), "\\x5cx0a");
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");           // CSI as one character
  EXPECT_EQ(escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // turns the direction
  EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");           // broken
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");           // too long a form of '/'
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(escaped("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

TEST(Rollback, RunsNewestFirstAndContinuesPastAFailingUndo) {
  std::string order;
  {
    Rollback undo;
    undo.add("undo one", [&order] { order += "1"; });
    undo.add("undo two", []() { throw failed("no"); });
    undo.add("undo three", [&order] { order += "3"; });
  }
  EXPECT_EQ(order, "31");
}

TEST(Rollback, DoesNothingAfterCommit) {
  bool undone = false;
  {
    Rollback undo;
    undo.add("undo", [&undone] { undone = true; });
    undo.commit();
  }
  EXPECT_FALSE(undone);
}

TEST(Names, AreLettersDigitsAndHyphensUpTo41) {
  EXPECT_TRUE(isValidName("web1"));
  EXPECT_TRUE(isValidName("0"));
  EXPECT_TRUE(isValidName(std::string(41, 'a')));
  for (const std::string& bad : {std::string(), std::string(42, 'a'), std::string("-a"),
                                 std::string("A"), std::string("a.b"), std::string("a/b"),
                                 std::string(".."), std::string("a\nb"), std::string("é")})
    EXPECT_FALSE(isValidName(bad)) << printable(bad);
}

TEST(Names, ErrorsNeverRepeatControlCharacters) {
  try {
    checkName("x\n\x1b[2Jcaps", "context name");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "context name 'x??[2Jcaps' is not usable");
  }
}

TEST(Errors, OfSystemCallsEndWithTheWordsForErrno) {
  EXPECT_EQ(systemError(ENOENT, "open 'x'").text(), "open 'x': No such file or directory");
  EXPECT_NE(systemError(ENOSPC, "write 'x'").hint(), "");
}

TEST(Errors, KindsHaveNamesAndBack) {
  for (const Kind kind :
       {Kind::NotFound, Kind::Exists, Kind::Busy, Kind::InvalidState, Kind::InvalidParameter,
        Kind::Unsupported, Kind::Denied, Kind::Cancelled, Kind::TimedOut, Kind::Failed})
    EXPECT_EQ(kindFrom(nameOf(kind)), kind);
  EXPECT_EQ(kindFrom("Nonsense"), std::nullopt);
}

TEST(Fds, TravelOverASocketWithTheirMessage) {
  const FdPair sockets = makeSocketPair(SOCK_STREAM);
  const FdPair pipe = makePipe();
  const int sent[] = {pipe.second.get()};
  sendWithFds(sockets.first.get(), "take this", sent);
  Received received = receiveWithFds(sockets.second.get(), 100);
  ASSERT_EQ(received.fds.size(), 1U);
  EXPECT_EQ(received.bytes, "take this");
  writeAll(received.fds[0].get(), "hello", "the pipe");
  char buffer[8] = {};
  ASSERT_EQ(::read(pipe.first.get(), buffer, sizeof buffer), 5);
  EXPECT_STREQ(buffer, "hello");
}

TEST(SealedFile, HoldsItsBytesAndCannotBeWritten) {
  const Fd file = makeSealedFile("plan", "content");
  EXPECT_EQ(readAll(file.get(), 100, "plan"), "content");
  EXPECT_LT(::pwrite(file.get(), "x", 1, 0), 0);
  EXPECT_LT(::ftruncate(file.get(), 0), 0);
}

TEST(Processes, AreKnownByPidAndStartTime) {
  const auto start = startTimeOf(::getpid());
  ASSERT_TRUE(start);
  EXPECT_TRUE(Process::find(::getpid(), *start));
  EXPECT_FALSE(Process::find(::getpid(), *start + 1));  // a recycled pid
  EXPECT_FALSE(Process::find(0, *start));
  EXPECT_FALSE(startTimeOf(4'194'305));
}

TEST(Processes, AreSeenToEndAndSignalsToTheDeadAreNoError) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto process = Process::find(child, startTimeOf(child).value());
  ASSERT_TRUE(process);
  EXPECT_FALSE(process->waitEnd(Millis(0)));
  process->signal(SIGKILL);
  EXPECT_TRUE(process->waitEnd(Millis(5000)));
  ::waitpid(child, nullptr, 0);
  process->signal(SIGTERM);
}

TEST(ParseJson, RefusesBrokenTextAndBottomlessNesting) {
  EXPECT_EQ(parseJson(R"({"a":[1]})", "x").dump(), R"({"a":[1]})");
  EXPECT_THROW(parseJson("{", "x"), Error);
  EXPECT_THROW(parseJson(std::string(100'000, '['), "x"), Error);
  EXPECT_NO_THROW(parseJson(
      R"(["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])", "x"));
}

}  // namespace
}  // namespace vs
