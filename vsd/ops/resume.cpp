#include "vsd/ops/resume.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>

#include "checkpoint/criu.hpp"
#include "checkpoint/requests.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/kernel/packet_hold.hpp"
#include "vsd/ops/bring_up.hpp"
#include "vsd/ops/dump.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/verify.hpp"

namespace vs {
namespace {

using checkpoint::Notification;
using checkpoint::RestoreRequest;
using checkpoint::Stage;

constexpr Millis kFreezeTime{10'000};
constexpr Millis kKillTime{15'000};
constexpr Millis kGuestTime{60'000};
constexpr Millis kCriuPatience{600'000};

std::vector<std::string> putIn(const std::vector<ExternalMount>& mounts) {
  std::vector<std::string> options;
  for (const ExternalMount& mount : mounts)
    options.push_back(fmt::format("mnt[{}]:{}/{}", mount.key, kCageExternals, mount.key));
  return options;
}

}  // namespace

void checkResume(const Host& host, const std::string& name) {
  const ContextPicture context = host.contexts.find(name);
  if (!canResume(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("cannot resume context '{}': it is {}", name, nameOf(context.state)))
        .withHint(context.state == State::Frozen
                      ? fmt::format("'vsctl thaw {}' lets it go on", name)
                      : "");
  if (context.removing)
    throw Error(Kind::InvalidState, fmt::format("context '{}' is being removed", name));
  mustHaveCriu();
  checkLinks(host, context.definition);
}

std::vector<std::string> planResume(const Host& host, const std::string& name) {
  checkResume(host, name);
  const Definition definition = host.contexts.find(name).definition;
  std::vector<std::string> plan{
      fmt::format("attach the volume '{}' ({})", name, definition.storage),
      fmt::format("create the cgroup {}", cgroupOf(host, name).scope()),
      fmt::format("restore its processes from {}/{}", host.paths.memories(), name)};
  for (const netfw::LinkPlan& link : linkPlansOf(host, definition))
    for (std::string& line : netfw::describe(link)) plan.push_back(std::move(line));
  plan.push_back("hold them against what they may do, and let them go on");
  return plan;
}

namespace {

// The cgroup its init was in: where criu begins, so that it is in nobody's way.
std::string firstGroupOf(const std::vector<GroupRecord>& groups) {
  for (const GroupRecord& group : groups)
    if (std::ranges::find(group.tasks, 1) != group.tasks.end()) return group.path;
  throw failed("the memory image does not say where its init was");
}

ResumePlan resumePlanOf(const Host& host, const Definition& definition,
                        const std::vector<GroupRecord>& groups) {
  ResumePlan plan;
  plan.name = definition.name;
  plan.ids = definition.ids;
  plan.stateDirectory = host.paths.contextOf(definition.name);
  plan.consoleLog = host.paths.logOf(definition.name);
  plan.consoleLogLimit = host.config.consoleLogLimit.value;
  plan.group = firstGroupOf(groups);
  plan.externals = externalsOf(definition);
  plan.cage = {host.paths.criu(), ""};
  return plan;
}

struct Restored {
  pid_t init = 0;
  Fd console;
};

// criu heeds no refusal any more: what cannot be held dies before it runs.
void placeFrozen(const ContextCgroup& cgroup, const std::vector<GroupRecord>& groups) {
  try {
    cgroup.place(groups);
    cgroup.keepFrozen();
  } catch (const Error&) {
    cgroup.kill(kKillTime);
    throw;
  }
}

// Until its tasks are there, in their cgroups, frozen.
Restored restore(const Host& host, const Definition& definition, const MemoryImage& image,
                 const Standing& standing, int criu, const ResumeOptions& options) {
  const ContextCgroup cgroup = cgroupOf(host, definition.name);
  cgroup.makeGroups(image.groups, definition.ids);
  prepareCriu(standing.guest, standing.payload.get(), kGuestTime);
  cgroup.divide(image.groups);
  letCriuBegin(standing.guest);

  // criu reads images also as the root of the context, whose they are in this mount of them.
  const Fd users = makeUserNamespace(definition.ids);
  const Fd readable = idMappedMount(image.directory.get(), users.get());
  PacketHold hold(standing.payload.get());
  RestoreRequest request;
  request.images = readable.get();
  request.log = image.directory.get();
  request.root = kCageRoot;
  request.externals = putIn(externalsOf(definition));
  if (options.closeConnections) request.tcp = RestoreRequest::Tcp::Close;
  Restored restored;
  const checkpoint::Reply reply = checkpoint::ask(
      criu, encode(request),
      [&](Notification& notification) {
        if (notification.stage == Stage::SetupNamespaces)
          prepareLinks(host, definition, notification.pid);
        if (notification.stage == Stage::ConsoleMaster)
          restored.console = std::move(notification.fd);
        if (notification.stage == Stage::PostRestore) hold.letGo();  // all sockets are there
        if (notification.stage == Stage::PreResume) placeFrozen(cgroup, image.groups);
      },
      kCriuPatience, image.directory.get(), checkpoint::kRestoreLog);
  restored.init = reply.pid;
  return restored;
}

}  // namespace

void resume(const Host& host, const std::string& name, const ResumeOptions& options,
            Operation& operation) {
  Rollback undo;
  checkResume(host, name);
  const Definition definition = host.contexts.find(name).definition;
  operation.step("look at its memory");
  const MemoryImage image = openMemoryImage(memoryOf(host, name), definition);
  makeDirectories(host.paths.criu(), 0755);

  FdPair criu = makeSocketPair(SOCK_SEQPACKET);
  const Standing standing = bringUp(
      host, definition,
      [&](int root, int monitor) {
        return startResume(host.guestProgram, resumePlanOf(host, definition, image.groups), root,
                           criu, kGuestTime, monitor);
      },
      undo, operation);
  criu.second.reset();
  letCriuLearn(host, cgroupOf(host, name));

  operation.step("restore its processes");
  undo.add("remove its links", [&host, name] { removeLinks(host, name); });
  undo.add("end what was restored", [&host, name] { cgroupOf(host, name).kill(kKillTime); });
  std::shared_ptr<const RunningContext> running;
  try {
    const Restored restored = restore(host, definition, image, standing, criu.first.get(), options);
    finishResume(standing.guest, restored.init, restored.console.get(), kGuestTime);
    running = findRunning(host, name);
    if (!running) throw failed("context '{}' ended while it was restored", name);
  } catch (const Error&) {
    keepLog(host, name, image.directory.get(), checkpoint::kRestoreLog);
    throw;
  }

  operation.step("hold it against what it may do");
  verifyTasks(host, definition, running->init.pid());

  operation.step("let it go on");
  operation.passPointOfNoReturn();
  memoryOf(host, name).useUp();
  undo.commit();  // from here it runs, whatever happens to us
  plugLinks(host, definition, running->init.pid());
  cgroupOf(host, name).thaw(kFreezeTime);
  announceRunning(host, definition, standing, running);

  operation.step("drop what it was resumed from");
  memoryOf(host, name).removeRemains();
}

}  // namespace vs
