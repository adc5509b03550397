// The real cgroup tree of a running context.
#include <signal.h>
#include <sys/stat.h>

#include <thread>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"
#include "vsd/kernel/devices.hpp"

namespace vs::test {
namespace {

class RealCgroup : public BusyboxContext {
 protected:
  ContextCgroup cgroup() const { return ContextCgroup(findCgroupRoot(), name()); }
};

TEST_F(RealCgroup, HoldsTheContextAndItsMonitorApart) {
  boot("sleep 1000 & sleep 1000 & wait");
  const std::vector<pid_t> pids = cgroup().pids();
  EXPECT_NE(std::find(pids.begin(), pids.end(), booted().init), pids.end());
  EXPECT_EQ(readFile(cgroup().monitor() + "/cgroup.procs"),
            fmt::format("{}\n", booted().guest.process.pid()));
  EXPECT_TRUE(cgroup().isPopulated());
  EXPECT_TRUE(cgroup().usage().cpuTime);
}

TEST_F(RealCgroup, BelongsToTheContextOnlyWhereItMayDivideIt) {
  boot("exec sleep 1000");
  const auto ownerOf = [&](const std::string& file) {
    struct stat status {};
    check(::stat((cgroup().payload() + file).c_str(), &status), "look at '{}'", file);
    return status.st_uid;
  };
  for (const char* file : {"", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"})
    EXPECT_EQ(ownerOf(file), 0x80000U) << file;
  for (const char* file : {"/cgroup.freeze", "/cgroup.kill", "/cgroup.max.depth"})
    EXPECT_EQ(ownerOf(file), 0U) << file;
}

TEST_F(RealCgroup, FreezesAndThaws) {
  boot("while :; do echo tick; sleep 0.02; done");
  consoleWith("tick");
  cgroup().freeze(Millis(5000));
  EXPECT_TRUE(cgroup().isFrozen());
  std::this_thread::sleep_for(Millis(100));
  const std::string before = readFile(state() + "/console.log");
  std::this_thread::sleep_for(Millis(200));
  EXPECT_EQ(readFile(state() + "/console.log"), before);
  cgroup().thaw(Millis(5000));
  std::this_thread::sleep_for(Millis(200));
  EXPECT_GT(readFile(state() + "/console.log").size(), before.size());
}

TEST_F(RealCgroup, KillsEveryTaskEvenWhenFrozen) {
  boot("trap '' TERM INT HUP; sleep 1000 & sleep 1000 & wait");
  cgroup().freeze(Millis(5000));
  cgroup().kill(Millis(5000));
  EXPECT_FALSE(cgroup().isPopulated());
  const auto ended = waitEnd();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->value, SIGKILL);
  cgroup().remove();
  EXPECT_FALSE(cgroup().exists());
}

TEST_F(RealCgroup, RefusesALimitThisHostCannotHold) {
  boot("exec sleep 1000");
  const auto available = cgroup().availableControllers();
  if (std::find(available.begin(), available.end(), "memory") != available.end())
    GTEST_SKIP() << "this host has every controller";
  ResourceLimits limits;
  limits.memory = 64_MiB;
  try {
    cgroup().applyLimits(limits);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Unsupported);
  }
  EXPECT_NO_THROW(cgroup().applyLimits({}));
}

TEST_F(RealCgroup, TakesTheDeviceProgram) {
  boot("exec sleep 1000");
  const Fd payload = cgroup().openPayload();
  if (attachDeviceFilter(payload.get()) != DeviceFilter::Attached)
    GTEST_SKIP() << "this kernel takes no device program";
  // A host's task, with every right, inside the group: only the program is between it and the
  // device.
  const auto headOf = [&](const std::string& device) {
    const std::string script =
        fmt::format("echo $$ > {}/vsd-exec/cgroup.procs && head -c1 {} >/dev/null 2>&1",
                    cgroup().payload(), device);
    cgroup().openExecGroup({0x80000, 65536});
    return std::system(fmt::format("sh -c '{}'", script).c_str());
  };
  EXPECT_EQ(headOf("/dev/zero"), 0);
  EXPECT_NE(headOf("/dev/kmsg"), 0);
}

}  // namespace
}  // namespace vs::test
