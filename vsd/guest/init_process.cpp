#include "vsd/guest/init_process.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "vsd/guest/confine.hpp"
#include "vsd/guest/filesystems.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/guest/reaper.hpp"
#include "vsd/guest/user.hpp"

namespace vs::guest {
namespace {

using Boot = Progress<BootStage>;

constexpr std::size_t kMaxDevices = 16;

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct FilesystemMaker {
  Boot* progress;
  const BootPlan* plan;
};

int makeFilesystemsAndExit(void* argument) noexcept {
  const auto* maker = static_cast<FilesystemMaker*>(argument);
  makeFilesystems(*maker->progress, *maker->plan);
  return 0;
}

// The file systems are made in a mount namespace that belongs to the context, where it may mount,
// by a short-lived child that shares our memory. We ourselves stay in the host's, where they are
// attached.
void makeFilesystemsInChild(Boot& progress, const BootPlan& plan) noexcept {
  alignas(16) static char stack[64 * 1024];
  FilesystemMaker maker{&progress, &plan};
  progress.enter(BootStage::Dev);
  const pid_t child =
      progress.must(::clone(&makeFilesystemsAndExit, stack + sizeof stack,
                            CLONE_VM | CLONE_VFORK | CLONE_NEWNS | SIGCHLD, &maker));
  int status = 0;
  progress.must(::waitpid(child, &status, 0));
  if (status != 0) exitSilently();  // it has said why
}

// Mounts of the host's nodes, in the order of the plan.
void receiveDevices(Boot& progress, const BootPlan& plan, std::span<int> devices) noexcept {
  progress.enter(BootStage::Dev);
  if (plan.devices.size() > devices.size()) progress.fail(E2BIG);
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const Note note = hear(progress.socket());
    if (note.type != NoteType::Device || note.fd < 0) exitSilently();
    devices[i] = note.fd;
  }
}

void attachDevices(Boot& progress, const BootPlan& plan, std::span<const int> devices) noexcept {
  progress.enter(BootStage::Dev);
  const int dev = progress.must(::open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const int node =
        progress.must(openPlain(dev, plan.devices[i].name.c_str(), 0, Crossing::Allowed));
    progress.must(attachMount(devices[i], node));
    ::close(node);
    ::close(devices[i]);
  }
  ::close(dev);
}

void bringUpLoopback(const Boot& progress) noexcept {
  const int socket = progress.must(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  progress.must(::ioctl(socket, SIOCGIFFLAGS, &request));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  progress.must(::ioctl(socket, SIOCSIFFLAGS, &request));
  ::close(socket);
}

// The console becomes standard input, output and error. /dev is our own mount by now.
void takeConsole(Boot& progress) noexcept {
  progress.enter(BootStage::Console);
  progress.must(::setsid());
  const int console = progress.must(::open("/dev/console", O_RDWR | O_NOCTTY));
  for (int fd = 0; fd <= 2; ++fd) progress.must(::dup2(console, fd));
  progress.mustBeZero(closeFrom(3, progress.socket()));
}

void confine(Boot& progress, const BootPlan& plan) noexcept {
  progress.enter(BootStage::Keyring);
  progress.mustBeZero(leaveKeyring());
  progress.enter(BootStage::Seccomp);
  progress.mustBeZero(installFilter(plan.confinement));
  progress.enter(BootStage::Capabilities);
  progress.mustBeZero(takeIdentity({}, plan.confinement.capabilities));
  // A context whose monitor is gone would be lost to us, so it goes too. Set last: a change of
  // credentials takes it back. The init keeps it when it executes itself again.
  progress.must(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

// Command: the program itself, child of the reaper, with the console as its controlling terminal.
[[noreturn]] void runCommand(Boot& progress, const PreparedPlan& prepared) noexcept {
  const BootPlan& plan = prepared.plan;
  progress.enter(BootStage::Console);
  progress.must(::setsid());
  progress.must(::ioctl(STDIN_FILENO, TIOCSCTTY, 0));
  progress.enter(BootStage::Ids);
  const std::optional<User> user = findUser(plan.user.c_str());
  if (!user) progress.fail(errno);
  progress.must(::fchown(STDIN_FILENO, user->uid, static_cast<gid_t>(-1)));
  progress.mustBeZero(takeIdentity({.uid = user->uid,
                                    .gid = user->gid,
                                    .groups = user->groups.data(),
                                    .groupCount = user->groupCount},
                                   plan.confinement.capabilities));
  progress.enter(BootStage::WorkingDirectory);
  progress.must(::chdir(plan.workingDirectory.c_str()));
  progress.enter(BootStage::Exec);
  resetSignals();
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  progress.fail(errno);
}

[[noreturn]] void runReaper(Boot& progress, const PreparedPlan& prepared) noexcept {
  progress.enter(BootStage::Exec);
  blockAllSignals();
  const pid_t child = progress.must(::fork());
  if (child == 0) runCommand(progress, prepared);
  ::close(progress.socket());
  reapUntilEndOf(child);
}

}  // namespace

PreparedPlan::PreparedPlan(BootPlan given)
    : plan(std::move(given)),
      argv(pointersTo(plan.argv)),
      environment(pointersTo(plan.environment)) {}

void runInitProcess(int socket, const PreparedPlan& prepared) noexcept {
  const BootPlan& plan = prepared.plan;
  Boot progress(socket);
  progress.awaitGo();
  progress.enter(BootStage::Ids);
  progress.mustBeZero(becomeRoot());
  progress.enter(BootStage::CgroupNamespace);
  progress.must(::unshare(CLONE_NEWCGROUP));
  makeFilesystemsInChild(progress, plan);
  std::array<int, kMaxDevices> devices;
  receiveDevices(progress, plan, devices);
  progress.awaitGo();

  // The builder has made the tree our root. This copy of it belongs to our user namespace, and
  // every mount in it is locked (root_builder.hpp).
  progress.enter(BootStage::Pivot);
  progress.must(::unshare(CLONE_NEWNS));
  progress.must(::chdir("/"));
  attachDevices(progress, plan, devices);
  progress.enter(BootStage::Hostname);
  progress.must(::sethostname(plan.hostname.data(), plan.hostname.size()));
  progress.enter(BootStage::Loopback);
  bringUpLoopback(progress);
  takeConsole(progress);
  confine(progress, plan);
  say(progress.socket(), {.type = NoteType::Prepared});
  progress.awaitGo();

  if (plan.init == InitKind::Command) runReaper(progress, prepared);
  progress.enter(BootStage::WorkingDirectory);
  progress.must(::chdir(plan.workingDirectory.c_str()));
  progress.enter(BootStage::Exec);
  resetSignals();
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  progress.fail(errno);
}

}  // namespace vs::guest
