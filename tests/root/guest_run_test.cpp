#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"

namespace vs::test {
namespace {

using GuestRun = BusyboxContext;
using How = EndedRecord::How;

TEST_F(GuestRun, EndsAsItsCommandEnds) {
  boot("exit 7");
  const auto ended = waitEnd();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->how, How::Exited);
  EXPECT_EQ(ended->value, 7);
  EXPECT_FALSE(exists(state() + "/console.sock"));
}

TEST_F(GuestRun, RecordsItselfBeforeItsCommandRuns) {
  boot("exec sleep 1000");
  const RunningRecord record = runningIn(state());
  EXPECT_EQ(record.init, booted().init);
  EXPECT_EQ(record.guest, booted().guest.process.pid());
  EXPECT_EQ(record.bootId, bootId());
  EXPECT_TRUE(Process::find(record.init, record.initStart));
  EXPECT_TRUE(Process::find(record.guest, record.guestStart));
}

TEST_F(GuestRun, PassesSignalsToItsCommand) {
  boot("trap 'echo got USR1; exit 5' USR1; echo ready; while :; do sleep 0.05; done");
  consoleWith("ready");
  ASSERT_EQ(::kill(booted().init, SIGUSR1), 0);
  const auto ended = waitEnd();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->value, 5);
  EXPECT_NE(consoleWith("got USR1").find("got USR1"), std::string::npos);
}

TEST_F(GuestRun, ReapsWhatIsOrphaned) {
  boot("(sleep 0.05 & ) ; (sleep 0.05 &) ; sleep 0.5; ps; exec sleep 1000");
  const std::string log = consoleWith("ps\r\n");
  EXPECT_EQ(log.find("[sleep]"), std::string::npos) << log;
}

TEST_F(GuestRun, DiesWithItsMonitor) {
  boot("exec sleep 1000");
  const RunningRecord record = runningIn(state());
  const auto init = Process::find(record.init, record.initStart);
  ASSERT_TRUE(init);
  booted().guest.process.signal(SIGKILL);
  EXPECT_TRUE(init->waitEnd(Millis(5000)));
}

TEST_F(GuestRun, IsKilledBySigtermToItsMonitor) {
  boot("trap '' TERM; while :; do sleep 1; done");
  booted().guest.process.signal(SIGTERM);
  const auto ended = waitEnd();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->how, How::Killed);
  EXPECT_EQ(ended->value, SIGKILL);
}

TEST_F(GuestRun, KeepsItsMonitorBelowOneMebibyte) {
  boot("exec sleep 1000");
  const std::string status = readFile(fmt::format("/proc/{}/status", booted().guest.process.pid()));
  const std::size_t at = status.find("VmRSS:");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LT(std::stoul(status.substr(at + 6)), 1024U) << status.substr(at, 30);
}

TEST_F(GuestRun, RunsItsCommandAsTheUserOfItsPasswd) {
  BootPlan plan = commandPlan("id; grep Cap /proc/self/status; echo end");
  plan.argv[2] = "id; cat /proc/self/status; echo end";
  plan.user = "ann";
  boot(plan);
  const std::string log = consoleWith("end\r\n");
  EXPECT_NE(log.find("uid=1000(ann) gid=1000(ann) groups=50(staff),1000(ann)"), std::string::npos)
      << log;
  EXPECT_NE(log.find("CapPrm:\t0000000000000000"), std::string::npos) << log;
}

TEST_F(GuestRun, SeesOnlyItself) {
  boot("exec sleep 1000");
  EXPECT_EQ(run("cat /proc/self/uid_map").out, "         0     524288      65536\n");
  EXPECT_EQ(run("cat /proc/sys/kernel/hostname").out, name() + "\n");
  EXPECT_EQ(run("ls -d /proc/[0-9]* | head -1").out, "/proc/1\n");
  EXPECT_EQ(
      run("cat /proc/self/cgroup | head -c 1000 | sed -n 's/^0:://p' 2>/dev/null; true").status, 0);
  EXPECT_EQ(run("ls /dev").out,
            "console\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\n"
            "urandom\nzero\n");
  EXPECT_EQ(run("stat -c %t:%T /dev/null /dev/zero /dev/tty /dev/ptmx -L").out,
            "1:3\n1:5\n5:0\n5:2\n");
}

TEST_F(GuestRun, CannotTakeItsCoversAway) {
  boot("exec sleep 1000");
  EXPECT_EQ(run("cat /proc/kallsyms /proc/timer_list /proc/keys").out, "");
  EXPECT_EQ(run("ls -A /sys/firmware").out, "");
  EXPECT_NE(run("umount /proc/kallsyms").status, 0);
  EXPECT_NE(run("umount /sys/firmware").status, 0);
  EXPECT_NE(run("umount -l /proc/sys").status, 0);
  EXPECT_NE(run("mount -o remount,rw,bind /proc/sys").status, 0);
  EXPECT_NE(run("mount -o remount,rw,bind /sys").status, 0);
  EXPECT_NE(run("mount -t proc p /tmp").status, 0);
  EXPECT_NE(run("mount -t sysfs s /tmp").status, 0);
  EXPECT_NE(run("echo 1 > /proc/sys/vm/overcommit_memory").status, 0);
  EXPECT_NE(run("echo h > /proc/sysrq-trigger").status, 0);
  EXPECT_EQ(run("echo 1 > /proc/sys/net/ipv4/ip_forward").status, 0) << "its own network's";
}

TEST_F(GuestRun, CannotMakeNodesOrNamespaces) {
  boot("exec sleep 1000");
  EXPECT_NE(run("mknod /tmp/sda b 8 0").status, 0);
  EXPECT_NE(run("mknod /tmp/mem c 1 1").status, 0);
  EXPECT_NE(run("unshare -m true").status, 0);
  EXPECT_NE(run("unshare -U true").status, 0);
  EXPECT_NE(run("echo max > /sys/fs/cgroup/cgroup.max.depth").status, 0);
}

TEST_F(GuestRun, FilesItMakesBelongToItsOwnIds) {
  boot("exec sleep 1000");
  EXPECT_EQ(run("echo x > /tmp/of-root").status, 0);
  EXPECT_EQ(run("echo x > /home/ann/f || echo denied", "ann").out, "denied\n");
  struct stat status {};
  ASSERT_EQ(::stat((root() + "/tmp/of-root").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U) << "on disk ids are as inside";
}

TEST_F(GuestRun, HasSetUserIdFilesButNoDeviceNodesOnItsRoot) {
  ASSERT_EQ(::mknod((root() + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::chmod((root() + "/null").c_str(), 0666), 0);
  std::filesystem::copy_file(VSD_EFFECTIVE_ID, root() + "/bin/effective-id");
  boot("exec sleep 1000");
  EXPECT_NE(run("cat /null").status, 0);
  EXPECT_EQ(run("effective-id", "ann").out, "1000\n");
  ASSERT_EQ(::chmod((root() + "/bin/effective-id").c_str(), 04755), 0);
  EXPECT_EQ(run("effective-id", "ann").out, "0\n");
}

TEST_F(GuestRun, SaysWhichStageFailed) {
  BootPlan plan = commandPlan("true");
  plan.argv = {"/bin/nothing"};
  try {
    boot(plan);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "executing its first program: No such file or directory");
    EXPECT_EQ(error.errnoValue(), ENOENT);
  }
  EXPECT_FALSE(exists(state() + "/running"));
  EXPECT_FALSE(ContextCgroup(findCgroupRoot(), name()).exists());
}

TEST_F(GuestRun, RefusesAnUnknownUser) {
  BootPlan plan = commandPlan("true");
  plan.user = "nobody-there";
  try {
    boot(plan);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "becoming its user: No such file or directory");
  }
}

TEST_F(GuestRun, DiesUnnoticedByNobodyWhenItsMakerGoesAwayBeforeGo) {
  const BootPlan plan = commandPlan("exec sleep 1000");
  const Fd directory = openFile(root(), O_PATH | O_DIRECTORY);
  StartedGuest guest = startGuest(program(), plan, directory.get(), Millis(5000));
  guest.talk.reset();
  EXPECT_TRUE(guest.process.waitEnd(Millis(5000)));
  EXPECT_FALSE(exists(state() + "/running"));
}

}  // namespace
}  // namespace vs::test
