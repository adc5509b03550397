#include "vsd/guest/cage.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/guest/confine.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/guest/root_builder.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::guest {
namespace {

constexpr unsigned kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
constexpr std::size_t kMaxPlan = 1U << 20;
constexpr const char* kCriu = "/usr/sbin/criu";

Fd newTmpfs(const char* mode, unsigned attributes) {
  const MountOption options[] = {{"mode", mode}, {"size", "16m"}};
  return Fd(check(newFilesystem("tmpfs", options, attributes), "make a tmpfs"));
}

Fd copyOf(const std::string& path, unsigned attributes) {
  Fd copy(check(copyMount(AT_FDCWD, path.c_str()), "copy the mount of '{}'", path));
  check(addAttributes(copy.get(), attributes), "limit '{}'", path);
  return copy;
}

// What covers an entry is of its kind; nullopt where this kernel has none.
std::optional<bool> isDirectory(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return S_ISDIR(status.st_mode);
  if (errno == ENOENT) return std::nullopt;
  throw systemError(errno, "look at '" + path + "'");
}

}  // namespace

Cage::Cage(const CagePlan& plan) {
  check(::unshare(CLONE_NEWNS), "create a mount namespace");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  root_ = newTmpfs("0755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  const Fd slash(check(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
  // Before anything covers the host's root: paths are resolved from a process's own root, which
  // stays the lower one until enter().
  check(attachMount(root_.get(), slash.get()), "mount the root of the cage");

  add(copyOf("/usr", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), "usr");
  for (const char* name : {"bin", "sbin", "lib", "lib64"})
    check(::symlinkat((std::string("usr/") + name).c_str(), root_.get(), name), "link /{}", name);
  add(Fd(check(newFilesystem("proc", {}, kInert), "make a /proc")), "proc");
  // Writable: the kernel gives a user namespace no sysfs that allows more than one it sees.
  add(Fd(check(newFilesystem("sysfs", {}, kInert), "make a /sys")), "sys");
  add(newTmpfs("1777", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), "tmp");
  add(copyOf(plan.runDirectory, kInert), "run");
  for (const char* name : {"null", "zero", "tty", "urandom"})
    add(copyOf(std::string("/dev/") + name, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC),
        std::string("dev/") + name);
  // Not the host's: criu only wants to know the context's from it.
  add(Fd(check(newFilesystem("devpts", {}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC),
               "make a devpts")),
      "dev/pts");
  if (!plan.cgroup.empty()) add(copyOf(plan.cgroup, kInert), "cgroup");
}

Fd Cage::makePlace(std::string_view path, bool directory) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent(path.substr(0, slash));
    if (::mkdirat(root_.get(), parent.c_str(), 0755) < 0 && errno != EEXIST)
      throw systemError(errno, "create '" + parent + "' in the cage");
  }
  const std::string last(path);
  if (directory) {
    if (::mkdirat(root_.get(), last.c_str(), 0755) < 0 && errno != EEXIST)
      throw systemError(errno, "create '" + last + "' in the cage");
  } else {
    const Fd file(check(::openat(root_.get(), last.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644),
                        "create '{}' in the cage", last));
  }
  return Fd(check(openPlain(root_.get(), last.c_str(), 0, Crossing::Allowed),
                  "open '{}' in the cage", last));
}

void Cage::add(const Fd& mount, std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  struct stat status {};
  check(::fstat(mount.get(), &status), "look at what is to be '{}'", path);
  const Fd place = makePlace(path, S_ISDIR(status.st_mode));
  check(attachMount(mount.get(), place.get()), "mount '{}' in the cage", path);
}

void Cage::addExternal(const ExternalMount& mount) {
  const std::string place = std::string(kCageExternals) + "/" + mount.key;
  switch (mount.kind) {
    case ExternalMount::Kind::Device:
      return add(hostDevice(mount.device), place);
    case ExternalMount::Kind::Cgroup:
      return add(Fd(check(newFilesystem("cgroup2", {}, kInert), "make a cgroup tree")), place);
    case ExternalMount::Kind::Nothing:
      if (const auto directory = isDirectory(mount.path); directory && *directory)
        add(emptyDirectory(), place);
      else if (directory)
        add(hostDevice({"null", 1, 3}), place);
      return;
  }
}

void Cage::addExternals(const std::vector<ExternalMount>& mounts) {
  for (const ExternalMount& mount : mounts) addExternal(mount);
}

void Cage::enter() {
  check(::fchdir(root_.get()), "enter the cage");
  check(::syscall(SYS_pivot_root, ".", "."), "make the cage the root");
  check(::umount2(".", MNT_DETACH), "let go of the host's root");
  check(::chdir("/"), "enter the cage");
}

int executeCriu(int socket, int talk) noexcept {
  // Its number is told as an argument; nothing else stays open but stdio.
  if (::dup2(socket, 3) < 0) return errno;
  if (const int error = closeFrom(4, talk); error != 0) return error;
  if (::fcntl(talk, F_SETFD, FD_CLOEXEC) < 0) return errno;
  resetSignals();
  char program[] = "criu";
  char mode[] = "swrk";
  char number[] = "3";
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char* const arguments[] = {program, mode, number, nullptr};
  char* const environment[] = {path, nullptr};
  ::execve(kCriu, arguments, environment);
  return errno;
}

int criuMode() {
  ::prctl(PR_SET_NAME, "vsd-criu", 0, 0, 0);  // by which it is found (ContextCgroup::isDumped)
  BootStage stage = BootStage::Plan;
  try {
    const CagePlan plan = decodeCagePlan(readAll(kPlanFd, kMaxPlan, "the plan of a cage"));
    stage = BootStage::Cage;
    Cage(plan).enter();
    stage = BootStage::Criu;
    throw systemError(executeCriu(kDumpFd, kTalkFd), "execute criu");
  } catch (const Error& error) {
    try {
      sendTalk(kTalkFd, {.type = TalkType::Failed,
                         .stage = static_cast<std::uint8_t>(stage),
                         .value = error.errnoValue() != 0 ? error.errnoValue() : EINVAL});
    } catch (const Error&) {
      // Nobody listens any more.
    }
    return 1;
  }
}

}  // namespace vs::guest
