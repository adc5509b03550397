#include "vsd/ops/dump.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "checkpoint/criu.hpp"
#include "checkpoint/requests.hpp"
#include "checkpoint/socket_queues.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/kernel/externals.hpp"
#include "vsd/kernel/moments.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/obstacles.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

using checkpoint::DumpRequest;
using checkpoint::Notification;
using checkpoint::Stage;

constexpr Millis kFreezeTime{10'000};
constexpr Millis kKillTime{15'000};
constexpr Millis kGuestTime{60'000};
constexpr Millis kCriuPatience{600'000};
constexpr int kSettleTries = 20;
constexpr int kUnreadTries = 5;
constexpr Millis kSettleTime{5};
constexpr const char* kCriuProgram = "/usr/sbin/criu";
constexpr const char* kCageCgroup = "/cgroup";

std::vector<std::string> takenOut(const std::vector<ExternalMount>& mounts) {
  std::vector<std::string> options;
  for (const ExternalMount& mount : mounts)
    options.push_back(fmt::format("mnt[{}]:{}", mount.path, mount.key));
  return options;
}

// A table of the network namespace of `init`.
std::string tableOf(pid_t init, const char* name) {
  return readFileIfExists(fmt::format("/proc/{}/net/{}", init, name)).value_or("");
}

std::uint64_t waitingIn(pid_t init) {
  return checkpoint::waitingConnections(tableOf(init, "tcp")) +
         checkpoint::waitingConnections(tableOf(init, "tcp6"));
}

// Something in a context that stands still is in the middle of what a dump cannot carry over, and
// would be past it a moment later.
bool isUnsettled(pid_t init, const ContextCgroup& cgroup) {
  return waitingIn(init) > 0 || !checkpoint::unreadNetlink(tableOf(init, "netlink")).empty() ||
         !sharersAmong(cgroup.pids()).empty();
}

// Freezes, and from then on holds its packets, at a moment at which every connection has been
// accepted, every message been read and no program is just being started: no new ones come while
// packets are held, so a program that accepts at all is soon done.
PacketHold freezeWhenSettled(const ContextPicture& context, const ContextCgroup& cgroup,
                             Operation& operation) {
  cgroup.freeze(kFreezeTime);
  PacketHold hold(cgroup.openPayload().get());
  if (context.state == State::Frozen) return hold;
  const pid_t init = context.running->init.pid();
  for (int tries = 0; tries < kSettleTries; ++tries) {
    // What waits at unix sockets matters for some only, and with others it may stay for ever.
    const bool unread = tries < kUnreadTries && !unreadUnixSockets(init).empty();
    if (!unread && !isUnsettled(init, cgroup)) return hold;
    cgroup.thaw(kFreezeTime);
    std::this_thread::sleep_for(kSettleTime);
    cgroup.freeze(kFreezeTime);
  }
  if (const std::uint64_t lost = waitingIn(init))
    operation.note(fmt::format("{} connections that no program has accepted are lost", lost));
  return hold;
}

}  // namespace

void mustHaveCriu() {
  if (exists(kCriuProgram)) return;
  throw Error(Kind::Unsupported, "this host has no criu, which saves and restores processes")
      .withHint("install it: apt install criu");
}

std::vector<ExternalMount> externalsOf(const Definition& definition) {
  return externalMounts(defaultDevices(), defaultCovers(isolationOf(definition)));
}

namespace {

// Whether criu's notes are of this boot and this criu: they are in /run, and a criu that is newer
// makes its own.
bool hasLearnt(const std::string& notes) {
  struct stat of {};
  struct stat program {};
  return ::stat(notes.c_str(), &of) == 0 && ::stat(kCriuProgram, &program) == 0 &&
         of.st_mtim.tv_sec > program.st_ctim.tv_sec;
}

}  // namespace

void letCriuLearn(const Host& host, const ContextCgroup& cgroup) {
  const std::string notes = host.paths.criu() + "/criu.kdat";
  makeDirectories(host.paths.criu(), 0755);
  if (hasLearnt(notes)) return;
  removeFile(notes);
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  startCriu(host.guestProgram, {host.paths.criu(), cgroup.payload()}, pair.second.get(),
            cgroup.openMonitor().get(), kGuestTime);
  pair.second.reset();
  const auto nothing = [](Notification&) {};
  checkpoint::ask(pair.first.get(), checkpoint::encodeFeatureCheck(), nothing, kGuestTime, -1, "");
}

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

void checkDump(const Host& host, const std::string& name, Obstacles look, const std::string& wish) {
  const ContextPicture context = host.contexts.find(name);
  if (!canSuspend(context.state) || !context.running)
    throw Error(Kind::InvalidState,
                fmt::format("cannot {} context '{}': it is {}", wish, name, nameOf(context.state)));
  mustHaveCriu();
  if (storageOf(host, name)->isReleased(name))
    throw Error(Kind::InvalidState,
                fmt::format("cannot {} context '{}': its volume has been released for another host",
                            wish, name));
  std::vector<FoundObstacle> obstacles = obstaclesIn(host, name);
  if (look == Obstacles::Try)
    std::erase_if(obstacles, [](const FoundObstacle& found) { return !found.isFinal; });
  if (obstacles.empty()) return;
  const std::string more =
      obstacles.size() == 1 ? "" : fmt::format(", and {} more", obstacles.size() - 1);
  throw Error(Kind::Unsupported, fmt::format("cannot {} context '{}': {}{}", wish, name,
                                             inWords(obstacles.front()), more))
      .withHint(obstacles.front().obstacle.remedy)
      .withBlockers(inWords(obstacles));
}

PacketHold standStill(const Host& host, const ContextPicture& context, Rollback& undo,
                      Operation& operation) {
  const std::string name = context.definition.name;
  letCriuLearn(host, cgroupOf(host, name));
  operation.step("take it off the wire and freeze its tasks");
  if (context.state == State::Running)
    undo.add("let its tasks go on", [&host, name] {
      cgroupOf(host, name).thaw(kFreezeTime);
      host.contexts.setState(name, State::Running);
    });
  undo.add("put it back on the wire",
           [&host, context] { plugLinks(host, context.definition, context.running->init.pid()); });
  unplugLinks(host, context.definition);
  PacketHold hold = freezeWhenSettled(context, cgroupOf(host, name), operation);
  host.contexts.setState(name, State::Frozen);
  return hold;
}

namespace {

// Until criu is gone nothing of what it left in the file system for the images is taken away: it
// does that when it hears that they are not wanted, and of our own end too. So it does not come to
// hear of anything: it stands still from before they are in force until it is killed. Nothing of it
// is in a task by then.
void sealAndEnd(const Process& criu, const std::function<void()>& seal,
                const std::function<bool()>& isSealed) {
  criu.signal(SIGSTOP);
  try {
    seal();
  } catch (...) {
    if (!isSealed()) {
      criu.signal(SIGCONT);
      throw;
    }
  }
  criu.signal(SIGKILL);
  if (!criu.waitEnd(kKillTime)) throw failed("criu does not end");
}

}  // namespace

void saveMemory(const Host& host, const ContextPicture& context, const MemoryPlace& place,
                const Fd& images, Afterwards afterwards, const std::function<void()>& seal,
                Operation& operation) {
  operation.step("save its memory");
  const ContextCgroup cgroup = cgroupOf(host, context.definition.name);
  const std::vector<GroupRecord> groups = cgroup.record(context.definition.ids);
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  const Process criu = startCriu(host.guestProgram, {host.paths.criu(), cgroup.payload()},
                                 pair.second.get(), cgroup.openMonitor().get(), kGuestTime);
  pair.second.reset();
  DumpRequest request;
  request.pid = context.running->init.pid();
  request.images = images.get();
  request.freezer = kCageCgroup;
  request.externals = takenOut(externalsOf(context.definition));
  const auto whenComplete = [&] {
    cgroup.keepFrozen();  // criu thaws what it holds by ptrace
    operation.step("seal its memory");
    mendImages(images);
    writeManifest(images, context.definition, groups);
    seal();
  };
  bool isDone = false;
  try {
    checkpoint::ask(
        pair.first.get(), encode(request),
        [&](Notification& notification) {
          if (notification.stage != Stage::PostDump) return;
          if (afterwards == Afterwards::End)
            sealAndEnd(criu, whenComplete, [&] { return place.isTaken(); });
          else
            whenComplete();
          isDone = true;
        },
        kCriuPatience, images.get(), checkpoint::kDumpLog);
  } catch (const Error&) {
    if (isDone && afterwards == Afterwards::End) return;  // of its end criu tells nothing
    keepLog(host, context.definition.name, images.get(), checkpoint::kDumpLog);
    throw;
  }
}

}  // namespace vs
