#include "tests/root/busybox_context.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"

namespace vs::test {
namespace {

constexpr const char* kBusybox = "/bin/busybox";

void makeTree(const std::string& root) {
  for (const char* path : {"/bin", "/etc", "/root", "/tmp", "/home/ann"})
    makeDirectories(root + path);
  std::filesystem::copy_file(kBusybox, root + "/bin/busybox");
  for (const char* applet :
       {"sh", "cat", "echo", "id", "ls", "mount", "umount", "sleep", "true", "readlink", "stty",
        "tty", "stat", "ps", "unshare", "mknod", "kill", "head", "trap"})
    std::filesystem::create_symlink("busybox", root + "/bin/" + applet);
  writeAtomic(root + "/etc/passwd",
              "root:x:0:0:root:/root:/bin/sh\n"
              "ann:x:1000:1000:Ann:/home/ann:/bin/sh\n"
              "overflow:x:4294967296:0::/:/bin/sh\n"
              "minus:x:-1:0::/:/bin/sh\n",
              0644);
  writeAtomic(root + "/etc/group", "root:x:0:\nann:x:1000:\nstaff:x:50:bob,ann\nother:x:51:anna\n",
              0644);
}

}  // namespace

const GuestProgram& BusyboxContext::program() {
  static const GuestProgram kProgram(VSD_GUEST);
  return kProgram;
}

std::string BusyboxContext::name() const { return "test-" + std::to_string(::getpid()); }

void BusyboxContext::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "contexts need root";
  if (!exists(kBusybox)) GTEST_SKIP() << "no " << kBusybox << ": install busybox-static";
  makeTree(root());
  makeDirectories(state(), 0700);
}

void BusyboxContext::TearDown() {
  if (booted_) {
    booted_->guest.process.signal(SIGTERM);
    booted_->guest.process.waitEnd(Millis(5000));
  }
  if (::geteuid() != 0) return;
  const ContextCgroup cgroup(findCgroupRoot(), name());
  cgroup.kill(Millis(5000));
  cgroup.remove();
}

BootPlan BusyboxContext::commandPlan(const std::string& script) const {
  BootPlan plan = systemPlan(name(), state());
  plan.init = InitKind::Command;
  plan.argv = {"/bin/sh", "-c", script};
  return plan;
}

void BusyboxContext::boot(const BootPlan& plan) {
  booted_.emplace(bootPlanned(program(), plan, root()));
}

ExecResult BusyboxContext::run(const std::string& script, const std::string& user) const {
  return executeIn(program(), name(), runningIn(state()), user, {"/bin/sh", "-c", script},
                   Millis(20'000));
}

ExecPlan BusyboxContext::execPlan(const std::vector<std::string>& argv) const {
  ExecPlan plan;
  plan.argv = argv;
  plan.confinement = systemPlan(name(), state()).confinement;
  return plan;
}

Process BusyboxContext::startSession(const ExecPlan& plan, int talk,
                                     std::array<int, 3> stdio) const {
  const RunningRecord record = runningIn(state());
  const auto init = Process::find(record.init, record.initStart);
  if (!init) throw failed("the context does not run");
  const ContextCgroup cgroup(findCgroupRoot(), name());
  const Fd group = cgroup.openExecGroup(systemPlan(name(), state()).ids);
  const Fd monitor = cgroup.openMonitor();
  return startExec(program(), plan,
                   {.init = init->fd(),
                    .group = group.get(),
                    .monitor = monitor.get(),
                    .talk = talk,
                    .stdio = stdio});
}

std::optional<EndedRecord> BusyboxContext::waitEnd() const {
  if (!booted_->guest.process.waitEnd(Millis(10'000))) return std::nullopt;
  const auto text = readFileIfExists(state() + "/ended");
  return text ? decodeEnded(*text) : std::nullopt;
}

std::string BusyboxContext::consoleWith(const std::string& text) const {
  std::string log;
  for (int i = 0; i < 300; ++i) {
    log = readFileIfExists(state() + "/console.log").value_or("");
    if (log.find(text) != std::string::npos) break;
    std::this_thread::sleep_for(Millis(10));
  }
  return log;
}

}  // namespace vs::test
