#include "vsd/kernel/boot_plan.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/mutate.hpp"
#include "vsd/base/error.hpp"

namespace vs {
namespace {

BootPlan fullBootPlan() {
  BootPlan plan;
  plan.name = "web1";
  plan.hostname = "web1.example.org";
  plan.init = InitKind::Command;
  plan.argv = {"/bin/sh", "-c", "echo 'a b'\n", ""};
  plan.environment = {"PATH=/bin", "EMPTY="};
  plan.workingDirectory = "/srv";
  plan.user = "ann:staff";
  plan.ids = {0x90000, 65536};
  plan.stateDirectory = "/run/vsd/contexts/web1";
  plan.consoleLog = "/var/log/vsd/web1.log";
  plan.consoleLogLimit = 1ULL << 40;
  plan.devices = {{"null", 1, 3}, {"tty", 5, 0}};
  plan.runFiles = {{"a/b", "text", ""}, {"c", "", "/dev/null"}};
  plan.covers = {{"/proc/kcore"}, {"/sys/firmware"}, {"/proc/sys"}, {"/proc/sys/net"}};
  plan.confinement = {std::string("\0\1\2", 3), 0xff, true};
  plan.timeNamespace = false;
  return plan;
}

ExecPlan fullExecPlan() {
  ExecPlan plan;
  plan.argv = {"ls", "-l"};
  plan.environment = {"A=1"};
  plan.workingDirectory = "/tmp";
  plan.user = "1000:50";
  plan.terminal = true;
  plan.columns = 132;
  plan.rows = 43;
  plan.confinement = {"filter", 1, false};
  return plan;
}

ResumePlan fullResumePlan() {
  ResumePlan plan;
  plan.name = "web1";
  plan.ids = {0x90000, 65536};
  plan.stateDirectory = "/run/vsd/contexts/web1";
  plan.consoleLog = "/var/log/vsd/web1.log";
  plan.group = "init.scope";
  plan.externals = {{"/dev/null", "vsd-dev-null", ExternalMount::Kind::Device, {"null", 1, 3}},
                    {"/proc/kcore", "vsd-proc-kcore", ExternalMount::Kind::Nothing, {}}};
  plan.cage = {"/run/vsd/criu", ""};
  return plan;
}

TEST(ResumePlan, ComesBackWholeFromItsBytes) {
  const ResumePlan back = decodeResumePlan(encode(fullResumePlan()));
  EXPECT_EQ(back.group, "init.scope");
  EXPECT_EQ(back.externals.at(0).device.minor, 3U);
  EXPECT_EQ(back.externals.at(1).kind, ExternalMount::Kind::Nothing);
  EXPECT_EQ(encode(back), encode(fullResumePlan()));
  EXPECT_THROW(decodeResumePlan(encode(fullBootPlan())), Error);
  const std::string bytes = encode(fullResumePlan());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(decodeResumePlan(std::string_view(bytes).substr(0, size)), Error) << size;
}

TEST(CagePlan, ComesBackWholeFromItsBytes) {
  const CagePlan back = decodeCagePlan(encode(CagePlan{"/run/vsd/criu", "/sys/fs/cgroup/x"}));
  EXPECT_EQ(back.runDirectory, "/run/vsd/criu");
  EXPECT_EQ(back.cgroup, "/sys/fs/cgroup/x");
}

TEST(BootPlan, ComesBackWholeFromItsBytes) {
  const BootPlan back = decodeBootPlan(encode(fullBootPlan()));
  EXPECT_EQ(back.argv, fullBootPlan().argv);
  EXPECT_EQ(back.user, "ann:staff");
  EXPECT_EQ(back.covers.writable, std::vector<std::string>{"/proc/sys/net"});
  EXPECT_EQ(back.runFiles[1].linkTo, "/dev/null");
  EXPECT_EQ(back.devices[1].major, 5U);
  EXPECT_FALSE(back.timeNamespace);
  EXPECT_TRUE(back.confinement.noNewPrivileges);
  // Nothing was lost that the fields above do not show.
  EXPECT_EQ(encode(back), encode(fullBootPlan()));
}

TEST(ExecPlan, ComesBackWholeFromItsBytes) {
  const ExecPlan back = decodeExecPlan(encode(fullExecPlan()));
  EXPECT_EQ(back.argv, fullExecPlan().argv);
  EXPECT_EQ(back.columns, 132);
  EXPECT_EQ(back.rows, 43);
  EXPECT_TRUE(back.terminal);
  EXPECT_EQ(encode(back), encode(fullExecPlan()));
}

TEST(BootPlan, IsRefusedWhenCutAnywhere) {
  const std::string bytes = encode(fullBootPlan());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(decodeBootPlan(bytes.substr(0, size)), Error) << size << " bytes";
}

TEST(BootPlan, IsRefusedWhenItGoesOn) {
  EXPECT_THROW(decodeBootPlan(encode(fullBootPlan()) + "x"), Error);
}

TEST(BootPlan, IsNotTakenForAnExecPlanNorTheReverse) {
  EXPECT_THROW(decodeExecPlan(encode(fullBootPlan())), Error);
  EXPECT_THROW(decodeBootPlan(encode(fullExecPlan())), Error);
}

TEST(BootPlan, IsRefusedWithoutAProgram) {
  BootPlan plan = fullBootPlan();
  plan.argv.clear();
  EXPECT_THROW(decodeBootPlan(encode(plan)), Error);
}

TEST(BootPlan, SurvivesAnyFlippedByteWithAnErrorAtMost) {
  const std::string bytes = encode(fullBootPlan());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    try {
      decodeBootPlan(damaged);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::InvalidParameter) << at;
    }
  }
}

TEST(Stages, EachHaveWordsOfTheirOwn) {
  std::set<std::string_view> words;
  for (int i = 0; i < static_cast<int>(BootStage::Count_); ++i)
    words.insert(describe(static_cast<BootStage>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(BootStage::Count_));
  EXPECT_EQ(describe(BootStage::Plan), "reading the plan");
  EXPECT_EQ(describe(BootStage::Proc), "mounting /proc");
  EXPECT_EQ(describe(BootStage::Exec), "executing its first program");
  EXPECT_EQ(describe(ExecStage::User), "looking up the user");
  EXPECT_EQ(describe(ExecStage::NotFound), "finding the program");
  EXPECT_EQ(describe(static_cast<ExecStage>(200)), "an unknown stage");
}

TEST(RunningRecord, IsReadableTextAndComesBack) {
  const RunningRecord record{
      .guest = 10, .guestStart = 1234, .init = 11, .initStart = 1235, .bootId = "b-1", .since = 99};
  EXPECT_EQ(encode(record),
            "guest=10\nguestStart=1234\ninit=11\ninitStart=1235\nbootId=b-1\nsince=99\n");
  const auto back = decodeRunning(encode(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), encode(record));
}

TEST(RunningRecord, IsNothingWhenALineIsMissingOrWrong) {
  EXPECT_FALSE(decodeRunning(""));
  EXPECT_FALSE(decodeRunning("guest=10\nguestStart=1\ninit=11\ninitStart=1\nbootId=b\n"));
  EXPECT_FALSE(decodeRunning("guest=x\nguestStart=1\ninit=11\ninitStart=1\nbootId=b\nsince=1\n"));
  EXPECT_FALSE(decodeRunning("guest=1 \nguestStart=1\ninit=1\ninitStart=1\nbootId=b\nsince=1\n"));
  EXPECT_FALSE(
      decodeRunning("guest=99999999999\nguestStart=1\ninit=1\ninitStart=1\nbootId=b\nsince=1\n"));
}

TEST(EndedRecord, TellsEachKindOfEnd) {
  using How = EndedRecord::How;
  EXPECT_EQ(encode(EndedRecord{How::Reboot, 1, 5}), "how=reboot\nvalue=1\nat=5\n");
  for (const How how : {How::Exited, How::Killed, How::Reboot, How::Halt}) {
    const auto back = decodeEnded(encode(EndedRecord{how, 3, 7}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->how, how);
    EXPECT_EQ(back->value, 3);
    EXPECT_EQ(back->at, 7);
  }
  EXPECT_FALSE(decodeEnded("how=flew away\nvalue=0\nat=1\n"));
}

// Plans come from vsd, but what reads them is root: a damaged one is refused, never misread.
TEST(DamagedPlans, AreRefusedOrRead) {
  test::Mutator boots(encode(fullBootPlan()));
  test::Mutator execs(encode(fullExecPlan()));
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    try {
      decodeBootPlan(boots.next());
    } catch (const Error&) {
      ++refused;
    }
    try {
      decodeExecPlan(execs.next());
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000);
}

TEST(DamagedRecords, AreNoRecords) {
  RunningRecord running;
  running.guest = 100;
  running.init = 101;
  running.bootId = "0c3c9a0e-9f0b-4c0f-8b7e-111111111111";
  test::Mutator mutator(encode(running));
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = mutator.next();
    const auto record = decodeRunning(text);
    EXPECT_TRUE(!record || (record->guest > 1 && record->init > 1)) << text;
    decodeEnded(text);
  }
}

}  // namespace
}  // namespace vs
