#include "vsd/guest/boot.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/guest/records.hpp"
#include "vsd/guest/root_builder.hpp"
#include "vsd/kernel/id_map.hpp"

namespace vs::guest {
namespace {

// Steps into a private copy of the host's mounts and comes back when it goes.
class PrivateMounts {
 public:
  PrivateMounts() : host_(openFile("/proc/self/ns/mnt", O_RDONLY)) {
    check(::unshare(CLONE_NEWNS), "create a mount namespace");
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  }
  ~PrivateMounts() { leave(); }
  PrivateMounts(const PrivateMounts&) = delete;
  PrivateMounts& operator=(const PrivateMounts&) = delete;
  void leave() {
    if (host_ && ::setns(host_.get(), CLONE_NEWNS) == 0) host_.reset();
  }

 private:
  Fd host_;
};

// The child and our end of the talk with it. Killed and reaped unless it is kept.
class InitChild {
 public:
  InitChild(const PreparedPlan& prepared, int payload) {
    FdPair pair = makeSocketPair(SOCK_SEQPACKET);
    std::uint64_t spaces =
        CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
    // A kernel without time namespaces shows its contexts the clocks of the host.
    if (prepared.plan.timeNamespace && ::access("/proc/self/ns/time", F_OK) == 0)
      spaces |= CLONE_NEWTIME;
    const Cloned cloned = cloneProcess(spaces, payload);
    if (cloned.pid == 0) {
      pair.first.reset();
      runInitProcess(pair.second.get(), prepared);
    }
    check(cloned.pid, "create the namespaces");
    pid_ = cloned.pid;
    pidfd_ = Fd(cloned.pidfd);
    talk_ = std::move(pair.first);
  }
  ~InitChild() {
    if (!pidfd_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  InitChild(const InitChild&) = delete;
  InitChild& operator=(const InitChild&) = delete;

  pid_t pid() const { return pid_; }
  void go() const { say(talk_.get(), {.type = NoteType::Go}); }
  void give(const Fd& device) const { say(talk_.get(), {.type = NoteType::Device}, device.get()); }
  // The next note. The child's own report of a failure, and its silent end, become BootFailure.
  Note next() const {
    const Note note = hear(talk_.get());
    if (note.type == NoteType::Failed)
      throw BootFailure{static_cast<BootStage>(note.stage), note.value};
    return note;
  }
  Process keep() { return Process(pid_, std::move(pidfd_)); }

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
  Fd talk_;
};

struct Delivery {
  FilesystemMounts filesystems;
  Fd console;
};

Delivery receiveFilesystems(const InitChild& child) {
  Delivery delivery;
  for (int missing = static_cast<int>(Filesystem::Count_) + 1; missing > 0; --missing) {
    const Note note = child.next();
    Fd fd(note.fd);
    const bool isFilesystem =
        note.type == NoteType::Filesystem && note.value < static_cast<int>(Filesystem::Count_);
    if (!fd || (!isFilesystem && note.type != NoteType::Console))
      throw BootFailure{BootStage::Dev, EPROTO};
    (isFilesystem ? delivery.filesystems[static_cast<std::size_t>(note.value)] : delivery.console) =
        std::move(fd);
  }
  return delivery;
}

void expect(const Note& note, NoteType type, BootStage stage) {
  if (note.type != type) throw BootFailure{stage, EPROTO};
}

RunningContext bootInStages(const PreparedPlan& prepared, int root, int payload,
                            const std::function<void(pid_t init)>& connect, BootStage& stage) {
  const BootPlan& plan = prepared.plan;
  stage = BootStage::RootMount;
  Fd rootMount = detachedMount(root);  // before PrivateMounts: `root` lies in the host's mounts

  stage = BootStage::Namespaces;
  PrivateMounts mounts;
  InitChild child(prepared, payload);

  stage = BootStage::IdMaps;
  writeIdMaps(child.pid(), plan.ids);
  stage = BootStage::RootMount;
  const Fd users = openFile(fmt::format("/proc/{}/ns/user", child.pid()), O_RDONLY);
  mapMountIds(rootMount.get(), users.get());

  child.go();
  Delivery delivery = receiveFilesystems(child);
  stage = BootStage::Dev;
  for (const DeviceNode& node : plan.devices) child.give(hostDevice(node));
  RootBuilder builder(root, std::move(rootMount));
  try {
    builder.build(plan, delivery.filesystems);
    builder.enter();
  } catch (...) {
    stage = builder.stage();
    throw;
  }
  child.go();
  mounts.leave();

  expect(child.next(), NoteType::Prepared, BootStage::Capabilities);
  stage = BootStage::Links;
  if (plan.links) connect(child.pid());
  // From here a vsd that was killed finds the context by its record.
  stage = BootStage::Record;
  writeRunning(plan.stateDirectory, child.pid());
  try {
    child.go();
    expect(child.next(), NoteType::Closed, BootStage::Exec);
  } catch (...) {
    removeFile(plan.stateDirectory + "/running");
    throw;
  }
  return {child.keep(), std::move(delivery.console)};
}

}  // namespace

RunningContext boot(const PreparedPlan& prepared, int root, int payload,
                    const std::function<void(pid_t init)>& connect) {
  BootStage stage = BootStage::Plan;
  try {
    return bootInStages(prepared, root, payload, connect, stage);
  } catch (const Error& error) {
    throw BootFailure{stage, error.errnoValue() != 0 ? error.errnoValue() : EIO};
  }
}

}  // namespace vs::guest
