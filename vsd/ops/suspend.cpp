#include "vsd/ops/suspend.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "checkpoint/accept_queues.hpp"
#include "checkpoint/criu.hpp"
#include "checkpoint/requests.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/kernel/externals.hpp"
#include "vsd/kernel/id_map.hpp"
#include "vsd/kernel/packet_hold.hpp"
#include "vsd/ops/bring_up.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/obstacles.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/verify.hpp"

namespace vs {
namespace {

using checkpoint::DumpRequest;
using checkpoint::Notification;
using checkpoint::RestoreRequest;
using checkpoint::Stage;

constexpr Millis kFreezeTime{10'000};
constexpr Millis kKillTime{15'000};
constexpr Millis kGuestTime{60'000};
constexpr Millis kCriuPatience{600'000};
constexpr Millis kCriuStep{50};
constexpr int kAcceptTries = 20;
constexpr Millis kAcceptTime{5};
constexpr const char* kCriuProgram = "/usr/sbin/criu";
constexpr const char* kCageCgroup = "/cgroup";

std::vector<ExternalMount> externalsOf(const Definition& definition) {
  return externalMounts(defaultDevices(), defaultCovers(isolationOf(definition)));
}

std::vector<std::string> takenOut(const std::vector<ExternalMount>& mounts) {
  std::vector<std::string> options;
  for (const ExternalMount& mount : mounts)
    options.push_back(fmt::format("mnt[{}]:{}", mount.path, mount.key));
  return options;
}

std::vector<std::string> putIn(const std::vector<ExternalMount>& mounts) {
  std::vector<std::string> options;
  for (const ExternalMount& mount : mounts)
    options.push_back(fmt::format("mnt[{}]:{}/{}", mount.key, kCageExternals, mount.key));
  return options;
}

void mustHaveCriu() {
  if (exists(kCriuProgram)) return;
  throw Error(Kind::Unsupported, "this host has no criu, which saves and restores processes")
      .withHint("install it: apt install criu");
}

// Writes its images into `directory`; when they are complete it stands frozen, and criu has ended.
// It is killed there, where nothing of it is in a task any more: were it to hear of our own end
// later, it would take that for a refusal, and take away what it has left in the file system for
// the images.
void dump(const Host& host, const ContextPicture& context, int directory) {
  makeDirectories(host.paths.criu(), 0755);
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  const ContextCgroup cgroup = cgroupOf(host, context.definition.name);
  const Process criu = startCriu(host.guestProgram, {host.paths.criu(), cgroup.payload()},
                                 pair.second.get(), cgroup.openMonitor().get(), kGuestTime);
  pair.second.reset();
  DumpRequest request;
  request.pid = context.running->init.pid();
  request.images = directory;
  request.freezer = kCageCgroup;
  request.externals = takenOut(externalsOf(context.definition));
  bool complete = false;
  try {
    checkpoint::ask(
        pair.first.get(), encode(request),
        [&](Notification& notification) {
          if (notification.stage != Stage::PostDump) return;
          cgroup.keepFrozen();  // criu has thawed what it holds by ptrace
          criu.signal(SIGKILL);
          if (!criu.waitEnd(kKillTime)) throw failed("criu does not end");
          complete = true;
        },
        kCriuPatience, directory, checkpoint::kDumpLog);
  } catch (const Error&) {
    if (!complete) throw;
  }
}

// What a log of criu is worth keeping for: the next look at what went wrong.
void keepLog(const Host& host, const std::string& name, int directory, const char* log) {
  try {
    const Fd file(::openat(directory, log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return;
    writeAtomic(fmt::format("{}/{}.{}", host.paths.logs(), name, log),
                readAll(file.get(), 64U << 20, log));
  } catch (const Error& error) {
    log::warning("context '{}': cannot keep the log of criu: {}, ignoring", name, error.text());
  }
}

std::uint64_t waitingIn(pid_t init) {
  std::uint64_t waiting = 0;
  for (const char* table : {"tcp", "tcp6"})
    if (const auto text = readFileIfExists(fmt::format("/proc/{}/net/{}", init, table)))
      waiting += checkpoint::waitingConnections(*text);
  return waiting;
}

// Freezes, and from then on holds its packets, at a moment at which every connection has been
// accepted: no new ones come while they are held, so a program that accepts at all is soon done.
PacketHold freezeBetweenConnections(const ContextPicture& context, const ContextCgroup& cgroup,
                                    Operation& operation) {
  cgroup.freeze(kFreezeTime);
  PacketHold hold(cgroup.openPayload().get());
  if (context.state == State::Frozen) return hold;
  const pid_t init = context.running->init.pid();
  for (int tries = 0; tries < kAcceptTries && waitingIn(init) > 0; ++tries) {
    cgroup.thaw(kFreezeTime);
    std::this_thread::sleep_for(kAcceptTime);
    cgroup.freeze(kFreezeTime);
  }
  if (const std::uint64_t lost = waitingIn(init))
    operation.note(fmt::format("{} connections that no program has accepted are lost", lost));
  return hold;
}

void mustNotBeReleased(const Host& host, const std::string& name) {
  if (storageOf(host, name)->isReleased(name))
    throw Error(Kind::InvalidState,
                fmt::format("cannot suspend context '{}': its volume has been released for another "
                            "host",
                            name));
}

}  // namespace

void checkSuspend(const Host& host, const std::string& name, Obstacles look) {
  const ContextPicture context = host.contexts.find(name);
  if (!canSuspend(context.state) || !context.running)
    throw Error(Kind::InvalidState,
                fmt::format("cannot suspend context '{}': it is {}", name, nameOf(context.state)));
  mustHaveCriu();
  mustNotBeReleased(host, name);
  std::vector<FoundObstacle> obstacles = obstaclesIn(host, name);
  if (look == Obstacles::Try)
    std::erase_if(obstacles, [](const FoundObstacle& found) { return !found.isFinal; });
  if (obstacles.empty()) return;
  const std::string more =
      obstacles.size() == 1 ? "" : fmt::format(", and {} more", obstacles.size() - 1);
  throw Error(Kind::Unsupported, fmt::format("cannot suspend context '{}': {}{}", name,
                                             inWords(obstacles.front()), more))
      .withHint(obstacles.front().obstacle.remedy)
      .withBlockers(inWords(obstacles));
}

std::vector<std::string> planSuspend(const Host& host, const std::string& name, Obstacles look) {
  checkSuspend(host, name, look);
  return {fmt::format("freeze every task of context '{}' and take its links off the wire", name),
          fmt::format("save its memory to {}/{}", host.paths.memories(), name), "end its processes",
          fmt::format("remove the cgroup {}, its links and rules, and detach the volume",
                      cgroupOf(host, name).scope())};
}

void suspend(const Host& host, const std::string& name, Obstacles look, Operation& operation) {
  checkSuspend(host, name, look);
  const ContextPicture context = host.contexts.find(name);
  const ContextCgroup cgroup = cgroupOf(host, name);
  Rollback undo;

  operation.step("make a place for its memory");
  const Fd images = beginMemoryImage(host, name);
  undo.add("remove its memory image", [&host, name] { abandonMemoryImage(host, name); });

  operation.step("take it off the wire and freeze its tasks");
  if (context.state == State::Running)
    undo.add("let its tasks go on", [&host, name] {
      cgroupOf(host, name).thaw(kFreezeTime);
      host.contexts.setState(name, State::Running);
    });
  undo.add("put it back on the wire",
           [&host, context] { plugLinks(host, context.definition, context.running->init.pid()); });
  unplugLinks(host, context.definition);
  const PacketHold hold = freezeBetweenConnections(context, cgroup, operation);
  host.contexts.setState(name, State::Frozen);

  operation.step("save its memory");
  const std::vector<GroupRecord> groups = cgroup.record(context.definition.ids);
  try {
    dump(host, context, images.get());
    operation.step("seal its memory");
    mendImages(images);
    writeManifest(images, context.definition, groups);
    operation.passPointOfNoReturn();
    commitMemoryImage(host, name);
  } catch (const Error&) {
    keepLog(host, name, images.get(), checkpoint::kDumpLog);
    if (!hasMemoryImage(host, name)) throw;
  }
  undo.commit();

  operation.step("end its processes");
  cgroup.kill(kKillTime);
  context.running->guest.waitEnd(kKillTime);
  cleanUpRun(host, name);
  host.contexts.setEnded(name, State::Suspended, "suspended");
}

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
  const MemoryImage image = openMemoryImage(host, definition);
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
  useUpMemoryImage(host, name);
  undo.commit();  // from here it runs, whatever happens to us
  plugLinks(host, definition, running->init.pid());
  cgroupOf(host, name).thaw(kFreezeTime);
  announceRunning(host, definition, standing, running);

  operation.step("drop what it was resumed from");
  removeMemoryRemains(host, name);
}

void giveUpMemory(const Host& host, const std::string& name, Operation& operation) {
  operation.step("give its memory up");
  operation.passPointOfNoReturn();
  useUpMemoryImage(host, name);
  host.contexts.setEnded(name, State::Stopped, "its memory was given up");
  removeMemoryRemains(host, name);
}

void undoSuspend(const Host& host, const std::string& name, bool wasFrozen, Operation& operation) {
  const ContextPicture context = host.contexts.find(name);
  if (!context.running) return;
  operation.step("wait for criu");
  const Deadline deadline = deadlineIn(kCriuPatience);
  while (cgroupOf(host, name).isDumped() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kCriuStep);

  operation.step("let it go on");
  plugLinks(host, context.definition, context.running->init.pid());
  if (wasFrozen) return;
  cgroupOf(host, name).thaw(kFreezeTime);
  host.contexts.setState(name, State::Running);
}

bool settleMemory(const Host& host, const std::string& name) {
  if (!hasMemoryImage(host, name)) {
    // Nothing was committed: a suspend that was cut off is undone, a resume has come to its end.
    removeMemoryRemains(host, name);
    return false;
  }
  // Whatever stands beside it is what was saved, or what was being restored from it.
  if (hasRemains(host, name)) cleanUpRun(host, name);
  removeMemoryRemains(host, name);
  return true;
}

}  // namespace vs
