// A gtest fixture with a busybox tree and contexts booted from it; everything is gone afterwards.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "tests/root/context_fixture.hpp"
#include "vsd/base/file.hpp"

namespace vs::test {

class BusyboxContext : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::string root() const { return directory_.path() + "/root"; }
  std::string state() const { return directory_.path() + "/state"; }
  std::string name() const;
  // `sh -c script` as a command context.
  BootPlan commandPlan(const std::string& script) const;
  // Boots it and remembers it for the end.
  void boot(const BootPlan& plan);
  void boot(const std::string& script) { boot(commandPlan(script)); }

  const Booted& booted() const { return *booted_; }
  // `sh -c script` inside, as root or another user.
  ExecResult run(const std::string& script, const std::string& user = "") const;
  ExecPlan execPlan(const std::vector<std::string>& argv) const;
  // Starts a session whose talk is `talk`; stdio are not used with a terminal.
  Process startSession(const ExecPlan& plan, int talk, std::array<int, 3> stdio) const;
  // How it ended; waits for the guest. nullopt when it does not end.
  std::optional<EndedRecord> waitEnd() const;
  // What the console has said, once it holds `text` or three seconds are over.
  std::string consoleWith(const std::string& text) const;

  static const GuestProgram& program();

 private:
  TempDir directory_;
  std::optional<Booted> booted_;
};

}  // namespace vs::test
