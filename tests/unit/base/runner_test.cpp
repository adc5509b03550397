#include "vsd/base/runner.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

Kind kindOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return Kind::Failed;
}

TEST(Runner, GivesInputAndCollectsBothOutputsAndStatus) {
  RealRunner runner;
  Command command = shell("cat; echo oops >&2; exit 3");
  command.input = std::string(200'000, 'x');
  const Output output = runner.run(command);
  EXPECT_EQ(output.out, command.input);
  EXPECT_EQ(output.err, "oops\n");
  EXPECT_EQ(output.status, 3);
}

TEST(Runner, ReportsADeathBySignalAsShellsDo) {
  RealRunner runner;
  EXPECT_EQ(runner.run(shell("kill -9 $$")).status, 137);
}

TEST(Runner, EndsACommandAndItsChildrenAtTheDeadline) {
  RealRunner runner;
  const TempDir directory;
  Command command = shell("sleep 100 & echo $! >" + directory.path() + "/pid; wait");
  command.deadline = Millis(300);
  EXPECT_EQ(kindOf([&] { runner.run(command); }), Kind::TimedOut);
  const pid_t child = std::stoi(readFile(directory.path() + "/pid"));
  for (int i = 0; i < 100 && ::kill(child, 0) == 0; ++i) std::this_thread::sleep_for(Millis(20));
  EXPECT_NE(::kill(child, 0), 0);
}

TEST(Runner, StopsWhenCancelled) {
  RealRunner runner;
  Command command = shell("sleep 100");
  command.isCancelled = [] { return true; };
  EXPECT_EQ(kindOf([&] { runner.run(command); }), Kind::Cancelled);
}

TEST(Runner, KeepsTheEndOfTooMuchOutput) {
  RealRunner runner;
  Command command = shell("seq 1 100000");
  command.maxOutput = 100;
  const Output output = runner.run(command);
  EXPECT_EQ(output.out.size(), 100U);
  EXPECT_TRUE(output.out.ends_with("\n100000\n"));
}

TEST(Runner, SaysWhatCouldNotBeStarted) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP()
      << "the thread sanitizer turns vfork into fork: the child cannot tell of its failure";
#endif
  RealRunner runner;
  Command command;
  command.argv = {"/no/such/program"};
  try {
    runner.run(command);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "start '/no/such/program': No such file or directory");
  }
}

TEST(Runner, MustRunPutsStderrIntoTheError) {
  RealRunner runner;
  try {
    runner.mustRun(shell("echo first >&2; echo the reason >&2; exit 5"), "make volume 'x'");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "make volume 'x': /bin/sh exited with status 5: first;the reason");
  }
}

TEST(Runner, PassesNoDescriptorButTheNamedOnes) {
  RealRunner runner;
  const FdPair kept = makePipe();
  const FdPair other = makePipe();
  check(::fcntl(other.second.get(), F_SETFD, 0), "as a library might leave it");
  Command command = shell("ls /proc/self/fd | tr '\\n' ' '");
  command.inheritedFds = {kept.first.get()};
  const std::string listed = runner.run(command).out;
  EXPECT_NE(listed.find(std::to_string(kept.first.get()) + " "), std::string::npos) << listed;
  EXPECT_EQ(listed.find(" " + std::to_string(other.first.get()) + " "), std::string::npos)
      << listed;
  EXPECT_EQ(listed.find(" " + std::to_string(other.second.get()) + " "), std::string::npos)
      << listed;
}

TEST(Runner, HandsLinesOfStderrOnAsTheyCome) {
  RealRunner runner;
  Command command = shell("printf 'one\\ntw' >&2; printf 'o\\n' >&2");
  std::vector<std::string> lines;
  command.onErrorLine = [&lines](std::string_view line) { lines.emplace_back(line); };
  runner.run(command);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
}

}  // namespace
}  // namespace vs
