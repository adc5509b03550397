#include "tests/root/context_fixture.hpp"

#include <fcntl.h>
#include <signal.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/paths.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/kernel/isolation.hpp"

namespace vs::test {
namespace {

constexpr IdRange kIds{0x80000, 65536};

const Confinement& confinement() {
  static const Confinement kConfinement = confinementOf(Isolation::System);
  return kConfinement;
}

std::vector<RunFile> systemdRunFiles() {
  std::vector<RunFile> files{
      {"systemd/system/service.d/50-vsd.conf",
       "[Service]\nPrivateUsers=no\nProtectHostname=no\nPrivateIPC=no\nPrivateNetwork=no\n"
       "MemoryPressureWatch=off\nImportCredential=\nLoadCredential=\nLoadCredentialEncrypted=\n"
       "SetCredential=\nSetCredentialEncrypted=\n",
       ""},
      {"systemd/system.conf.d/50-vsd.conf", "[Manager]\nDefaultMemoryPressureWatch=no\n", ""}};
  for (const char* unit : {"dev-hugepages.mount", "sys-kernel-config.mount",
                           "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
                           "sys-fs-fuse-connections.mount", "systemd-modules-load.service"})
    files.push_back({std::string("systemd/system/") + unit, "", "/dev/null"});
  return files;
}

}  // namespace

BootPlan systemPlan(const std::string& name, const std::string& state) {
  BootPlan plan;
  plan.name = name;
  plan.hostname = name;
  plan.environment = {"container=vsd", "MEMORY_PRESSURE_WATCH=/dev/null", "TERM=linux",
                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  plan.ids = kIds;
  plan.stateDirectory = state;
  plan.consoleLog = state + "/console.log";
  plan.devices = defaultDevices();
  plan.runFiles = systemdRunFiles();
  plan.covers = defaultCovers(Isolation::System);
  plan.confinement = confinement();
  return plan;
}

Booted bootPlanned(const GuestProgram& program, const BootPlan& plan, const std::string& root) {
  Rollback undo;
  const ContextCgroup cgroup(findCgroupRoot(), plan.name);
  const Fd directory = openFile(root, O_PATH | O_DIRECTORY);
  undo.add("remove the cgroup", [cgroup] {
    cgroup.kill(Millis(5000));
    cgroup.remove();
  });
  cgroup.create(plan.ids);
  const Fd monitor = cgroup.openMonitor();
  Booted booted{startGuest(program, plan, directory.get(), Millis(10'000), monitor.get())};
  const Fd payload = cgroup.openPayload();
  attachDeviceFilter(payload.get());
  booted.init = bootGuest(booted.guest, payload.get(), Millis(30'000));
  undo.commit();
  return booted;
}

RunningRecord runningIn(const std::string& state) {
  const auto record = decodeRunning(readFile(state + "/running"));
  if (!record) throw failed("'{}/running' is no record", state);
  return *record;
}

ExecResult executeIn(const GuestProgram& program, const std::string& name,
                     const RunningRecord& record, const std::string& user,
                     const std::vector<std::string>& argv, Millis time) {
  const auto init = Process::find(record.init, record.initStart);
  if (!init) throw failed("context '{}' does not run", name);
  const ContextCgroup cgroup(findCgroupRoot(), name);
  const Fd group = cgroup.openExecGroup(kIds);
  const Fd monitor = cgroup.openMonitor();
  ExecPlan plan;
  plan.argv = argv;
  plan.user = user;
  plan.confinement = confinement();
  return runInside(program, plan,
                   {.init = init->fd(), .group = group.get(), .monitor = monitor.get()}, time);
}

}  // namespace vs::test
