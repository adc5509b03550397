#include "vsd/context/boot.hpp"

#include <signal.h>

namespace vs {
namespace {

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Why each line: PrivateUsers, ProtectHostname, PrivateIPC, PrivateNetwork need namespaces that a
// movable context may not nest and are errors, not warnings, without them; MemoryPressureWatch
// binds a cgroup file that a checkpoint cannot put back; credentials are ramfs mounts, unknown to
// CRIU.
constexpr const char* kServiceDropIn =
    "[Service]\n"
    "PrivateUsers=no\n"
    "ProtectHostname=no\n"
    "PrivateIPC=no\n"
    "PrivateNetwork=no\n"
    "MemoryPressureWatch=off\n"
    "ImportCredential=\n"
    "LoadCredential=\n"
    "LoadCredentialEncrypted=\n"
    "SetCredential=\n"
    "SetCredentialEncrypted=\n";

constexpr const char* kManagerDropIn = "[Manager]\nDefaultMemoryPressureWatch=no\n";

// They fail by themselves in a user namespace and would leave the system "degraded".
constexpr const char* kMaskedUnits[] = {
    "dev-hugepages.mount",      "sys-kernel-config.mount",       "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "systemd-modules-load.service",
};

std::vector<std::string> initCommand(const Definition& definition) {
  if (!definition.command.empty()) return definition.command;
  return {"/sbin/init"};
}

}  // namespace

std::vector<RunFile> systemdRunFiles() {
  std::vector<RunFile> files{{"systemd/system/service.d/50-vsd.conf", kServiceDropIn, ""},
                             {"systemd/system.conf.d/50-vsd.conf", kManagerDropIn, ""}};
  for (const char* unit : kMaskedUnits)
    files.push_back({std::string("systemd/system/") + unit, "", "/dev/null"});
  return files;
}

BootPlan bootPlanFor(const Definition& definition, const BootPlaces& places) {
  BootPlan plan;
  plan.name = definition.name;
  plan.hostname = definition.hostname;
  plan.init = definition.init == Init::Command ? InitKind::Command : InitKind::System;
  plan.argv = initCommand(definition);
  plan.environment = {"container=vsd", "container_uuid=" + definition.uuid, kPath, "TERM=linux"};
  if (definition.init == Init::Systemd) {
    // A PSI trigger that PID 1 would hold cannot be checkpointed and makes it spin afterwards.
    plan.environment.push_back("MEMORY_PRESSURE_WATCH=/dev/null");
    plan.runFiles = systemdRunFiles();
  }
  plan.environment.insert(plan.environment.end(), definition.environment.begin(),
                          definition.environment.end());
  plan.user = definition.user;
  plan.ids = definition.ids;
  plan.stateDirectory = places.stateDirectory;
  plan.consoleLog = places.consoleLog;
  plan.consoleLogLimit = places.consoleLogLimit.value;
  return plan;
}

int stopSignalOf(Init init) {
  switch (init) {
    case Init::Systemd:
      return SIGRTMIN + 4;  // poweroff.target (systemd(1), SIGNALS)
    case Init::Sysv:
      return SIGPWR;  // "powerfail" in inittab(5)
    case Init::Command:
      return SIGTERM;
  }
  return SIGTERM;
}

}  // namespace vs
