#include "vsd/kernel/cgroup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

std::string textOf(const std::vector<LimitWrite>& writes) {
  std::string text;
  for (const LimitWrite& write : writes)
    text += fmt::format("{} {}={}{}\n", write.controller, write.file, write.value,
                        write.need == LimitWrite::Need::Required ? " !" : "");
  return text;
}

TEST(LimitWrites, TakeBackEverythingWhenNothingIsLimited) {
  EXPECT_EQ(textOf(limitWrites({})),
            "memory memory.max=max\n"
            "memory memory.swap.max=max\n"
            "cpu cpu.max=max 100000\n"
            "cpu cpu.weight=100\n"
            "pids pids.max=4096\n");
}

TEST(LimitWrites, SayEachLimitInTheKernelsWords) {
  ResourceLimits limits;
  limits.memory = 512_MiB;
  limits.swap = Bytes{0};
  limits.milliCpus = 1500;
  limits.cpuWeight = 50;
  limits.pids = 4096;
  limits.readRate = 10_MiB;
  limits.device = "254:3";
  EXPECT_EQ(textOf(limitWrites(limits)),
            "memory memory.max=536870912 !\n"
            "memory memory.swap.max=0 !\n"
            "cpu cpu.max=150000 100000 !\n"
            "cpu cpu.weight=50 !\n"
            "pids pids.max=4096 !\n"
            "io io.max=254:3 rbps=10485760 wbps=max !\n");
}

TEST(LimitWrites, RefuseARateWithoutADevice) {
  ResourceLimits limits;
  limits.writeRate = 1_MiB;
  EXPECT_THROW(limitWrites(limits), Error);
}

// A cgroup tree as the kernel would show it, as plain files.
class CgroupTree : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& group :
         {std::string(), std::string("/vs.slice"), scope, scope + "/monitor", scope + "/payload"}) {
      makeDirectories(root() + group);
      file(group + "/cgroup.controllers", "pids\n");
      file(group + "/cgroup.subtree_control", "");
      file(group + "/cgroup.procs", "");
      file(group + "/cgroup.threads", "");
      file(group + "/cgroup.freeze", "0");
      file(group + "/cgroup.events", "populated 0\nfrozen 0\n");
    }
  }
  const std::string& root() const { return directory.path(); }
  void file(const std::string& path, const std::string& content) const {
    std::ofstream(root() + path) << content;
  }
  std::string payloadFile(const std::string& name) const {
    return readFile(root() + scope + "/payload/" + name);
  }

  TempDir directory;
  const std::string scope = "/vs.slice/vs-web1.scope";
  const ContextCgroup cgroup{directory.path(), "web1"};
};

TEST_F(CgroupTree, LiesWhereItsNameSays) {
  EXPECT_EQ(cgroup.payload(), root() + "/vs.slice/vs-web1.scope/payload");
  EXPECT_TRUE(cgroup.exists());
  EXPECT_FALSE(ContextCgroup(root(), "other").exists());
  EXPECT_EQ(listContextCgroups(root()), std::vector<std::string>{"web1"});
}

TEST_F(CgroupTree, IsCreatedWithTheGuestAsideAndControllersHandedDown) {
  cgroup.create({static_cast<std::uint32_t>(::geteuid()), 1}, 4711);
  EXPECT_EQ(readFile(cgroup.monitor() + "/cgroup.procs"), "4711");
  EXPECT_EQ(readFile(root() + "/cgroup.subtree_control"), "+pids");
  EXPECT_EQ(readFile(root() + "/vs.slice/cgroup.subtree_control"), "+pids");
  EXPECT_EQ(readFile(cgroup.scope() + "/cgroup.subtree_control"), "+pids");
  EXPECT_EQ(payloadFile("cgroup.subtree_control"), "") << "what is below payload is the context's";
}

TEST_F(CgroupTree, GetsItsLimits) {
  file(scope + "/payload/cgroup.controllers", "cpu memory pids\n");
  for (const char* name : {"memory.max", "memory.swap.max", "cpu.max", "cpu.weight", "pids.max"})
    file(scope + "/payload/" + name, "");
  ResourceLimits limits;
  limits.memory = 1_GiB;
  limits.milliCpus = 250;
  cgroup.applyLimits(limits);
  EXPECT_EQ(payloadFile("memory.max"), "1073741824");
  EXPECT_EQ(payloadFile("memory.swap.max"), "0") << "a limit of memory is one of swap too";
  EXPECT_EQ(payloadFile("cpu.max"), "25000 100000");
  EXPECT_EQ(payloadFile("pids.max"), "4096") << "the default";
}

TEST_F(CgroupTree, RefusesALimitWithoutItsControllerAndWritesNothing) {
  file(scope + "/payload/cgroup.controllers", "pids\n");
  file(scope + "/payload/pids.max", "max\n");
  ResourceLimits limits;
  limits.pids = 10;
  limits.memory = 1_GiB;
  try {
    cgroup.applyLimits(limits);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Unsupported);
    EXPECT_NE(error.text().find("'memory'"), std::string::npos) << error.text();
    EXPECT_FALSE(error.hint().empty());
  }
  EXPECT_EQ(payloadFile("pids.max"), "max\n");
}

TEST_F(CgroupTree, RecordsWhatTheContextHasMadeOfIt) {
  const std::string payload = cgroup.payload();
  const std::string inner = payload + "/system.slice/a.service";
  makeDirectories(inner);
  std::ofstream(payload + "/system.slice/cgroup.procs") << "";
  std::ofstream(inner + "/cgroup.procs") << "";
  std::ofstream(payload + "/memory.max") << "1000\n";  // the host's
  std::ofstream(payload + "/system.slice/cgroup.subtree_control") << "memory pids\n";
  std::ofstream(inner + "/pids.max") << "77\n";
  std::ofstream(inner + "/memory.max") << "max\n";  // as it is when nobody says anything
  const std::vector<GroupRecord> groups = cgroup.record({0, 65536});
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].path, "");
  EXPECT_TRUE(groups[0].values.empty());
  EXPECT_EQ(groups[1].path, "system.slice");
  EXPECT_EQ(groups[1].controllers, (std::vector<std::string>{"memory", "pids"}));
  EXPECT_EQ(groups[2].path, "system.slice/a.service");
  EXPECT_EQ(groups[2].values,
            (std::vector<std::pair<std::string, std::string>>{{"pids.max", "77"}}));
}

TEST_F(CgroupTree, ThatIsThreadedCannotBeRecorded) {
  makeDirectories(cgroup.payload() + "/t");
  std::ofstream(cgroup.payload() + "/t/cgroup.type") << "threaded\n";
  EXPECT_THROW(cgroup.record({0, 65536}), Error);
}

TEST_F(CgroupTree, GroupsAreMadeAgainForTheIdsOfTheContext) {
  GroupRecord group;
  group.path = "user.slice";
  group.owner = 65536;
  EXPECT_THROW(cgroup.makeGroups({{}, group}, {1000, 65536}), Error);
  group.owner = 0;
  group.delegated = true;
  cgroup.makeGroups({{}, group}, {static_cast<std::uint32_t>(::geteuid()), 65536});
  EXPECT_TRUE(exists(cgroup.payload() + "/user.slice"));
}

TEST_F(CgroupTree, FreezesWhenTheKernelSaysSo) {
  std::thread kernel([this] {
    std::this_thread::sleep_for(Millis(30));
    file(scope + "/payload/cgroup.events", "populated 1\nfrozen 1\n");
  });
  cgroup.freeze(Millis(5000));
  kernel.join();
  EXPECT_TRUE(cgroup.isFrozen());
  EXPECT_EQ(payloadFile("cgroup.freeze"), "1");
}

TEST_F(CgroupTree, TakesAFreezeBackThatDoesNotHappen) {
  EXPECT_THROW(cgroup.freeze(Millis(30)), Error);
  EXPECT_EQ(payloadFile("cgroup.freeze"), "0");
}

TEST_F(CgroupTree, TellsWhoLivesInIt) {
  file(scope + "/payload/cgroup.procs", "12\n7\n");
  makeDirectories(cgroup.payload() + "/system.slice");
  file(scope + "/payload/system.slice/cgroup.procs", "9\n");
  EXPECT_EQ(cgroup.pids(), (std::vector<pid_t>{7, 9, 12}));
}

TEST_F(CgroupTree, TellsWhatItUses) {
  file(scope + "/payload/memory.current", "4096\n");
  file(scope + "/payload/cpu.stat", "usage_usec 123\nuser_usec 100\n");
  const ResourceUsage usage = cgroup.usage();
  EXPECT_EQ(usage.memory, Bytes{4096});
  EXPECT_EQ(usage.cpuTime, 123U);
  EXPECT_EQ(usage.pids, std::nullopt) << "there is no such controller";
}

TEST(ContextCgroup, IsRemovedTwiceWithoutHarm) {
  const TempDir root;
  const ContextCgroup cgroup(root.path(), "web1");
  makeDirectories(cgroup.payload() + "/a/b");
  makeDirectories(cgroup.monitor());
  cgroup.remove();
  EXPECT_FALSE(cgroup.exists());
  cgroup.remove();
}

TEST(ContextCgroup, IsBusyWhileSomethingIsInIt) {
  const TempDir root;
  const ContextCgroup cgroup(root.path(), "web1");
  makeDirectories(cgroup.payload());
  writeAtomic(cgroup.payload() + "/in-the-way", "");
  try {
    cgroup.remove();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Busy);
  }
}

TEST(ContextCgroup, KillOfWhatIsNotThereIsSuccess) {
  const TempDir root;
  ContextCgroup(root.path(), "web1").kill(Millis(100));
}

}  // namespace
}  // namespace vs
