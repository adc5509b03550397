#include "vsd/guest/filesystems.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "vsd/guest/linux.hpp"

namespace vs::guest {
namespace {

using Boot = Progress<BootStage>;

constexpr unsigned kNoDevices = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr unsigned kDataOnly = kNoDevices | MOUNT_ATTR_NOEXEC;

void deliver(const Boot& progress, Filesystem which, int mount) noexcept {
  say(progress.socket(), {.type = NoteType::Filesystem, .value = static_cast<int>(which)}, mount);
  ::close(mount);
}

void makePlaceholder(const Boot& progress, int directory, const char* name) noexcept {
  ::close(progress.must(::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)));
}

// /dev itself holds no node: each device is a file here, on which the builder mounts the host's
// node.
void makeDev(const Boot& progress, const BootPlan& plan) noexcept {
  static constexpr MountOption kOptions[] = {{"mode", "0755"}, {"size", "4m"}};
  const int dev = progress.must(newFilesystem(
      "tmpfs", kOptions, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME));
  for (const char* name : {"pts", "shm", "mqueue"}) progress.must(::mkdirat(dev, name, 0755));
  for (const DeviceNode& node : plan.devices) makePlaceholder(progress, dev, node.name.c_str());
  static constexpr struct {
    const char* name;
    const char* target;
  } kLinks[] = {
      {"ptmx", "pts/ptmx"},          {"console", "pts/0"},  // the first terminal (makeTerminals)
      {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
      {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}};
  for (const auto& link : kLinks) progress.must(::symlinkat(link.target, dev, link.name));
  deliver(progress, Filesystem::Dev, dev);
}

// The first terminal of the context's own devpts becomes its console; vsd-guest keeps the master.
void makeTerminals(Boot& progress) noexcept {
  static constexpr MountOption kOptions[] = {
      {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {"max", "1024"}};
  const int pts =
      progress.must(newFilesystem("devpts", kOptions, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  progress.enter(BootStage::Console);
  const int master = progress.must(::openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  progress.must(checkPtmx(master));
  progress.must(prepareTerminal(master));
  say(progress.socket(), {.type = NoteType::Console}, master);
  ::close(master);
  progress.enter(BootStage::Dev);
  deliver(progress, Filesystem::Pts, pts);
}

// Makes every directory above the last component of `path`.
void makeParents(const Boot& progress, int directory, const char* path) noexcept {
  char prefix[PATH_MAX];
  for (const char* slash = std::strchr(path, '/'); slash != nullptr;
       slash = std::strchr(slash + 1, '/')) {
    const auto length = static_cast<std::size_t>(slash - path);
    if (length >= sizeof prefix) progress.fail(ENAMETOOLONG);
    std::memcpy(prefix, path, length);
    prefix[length] = '\0';
    if (::mkdirat(directory, prefix, 0755) < 0 && errno != EEXIST) progress.fail(errno);
  }
}

void writeRunFile(const Boot& progress, int run, const RunFile& file) noexcept {
  makeParents(progress, run, file.path.c_str());
  if (!file.linkTo.empty()) {
    progress.must(::symlinkat(file.linkTo.c_str(), run, file.path.c_str()));
    return;
  }
  const int fd = progress.must(
      ::openat(run, file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  const ssize_t written = progress.must(::write(fd, file.content.data(), file.content.size()));
  if (static_cast<std::size_t>(written) != file.content.size()) progress.fail(ENOSPC);
  ::close(fd);
}

void makeRun(const Boot& progress, const BootPlan& plan) noexcept {
  static constexpr MountOption kOptions[] = {
      {"mode", "0755"}, {"size", "20%"}, {"nr_inodes", "800k"}};
  const int run = progress.must(newFilesystem("tmpfs", kOptions, kNoDevices));
  for (const RunFile& file : plan.runFiles) writeRunFile(progress, run, file);
  deliver(progress, Filesystem::Run, run);
}

}  // namespace

void makeFilesystems(Progress<BootStage>& progress, const BootPlan& plan) noexcept {
  ::umask(0);  // modes below are meant as written
  progress.enter(BootStage::Dev);
  makeDev(progress, plan);
  makeTerminals(progress);
  static constexpr MountOption kSticky[] = {{"mode", "1777"}};
  deliver(progress, Filesystem::Shm, progress.must(newFilesystem("tmpfs", kSticky, kNoDevices)));
  deliver(progress, Filesystem::Mqueue, progress.must(newFilesystem("mqueue", {}, kDataOnly)));
  progress.enter(BootStage::Proc);
  deliver(progress, Filesystem::Proc, progress.must(newFilesystem("proc", {}, kDataOnly)));
  progress.enter(BootStage::Sys);
  deliver(progress, Filesystem::Sys,
          progress.must(newFilesystem("sysfs", {}, kDataOnly | MOUNT_ATTR_RDONLY)));
  progress.enter(BootStage::CgroupMount);
  deliver(progress, Filesystem::Cgroup, progress.must(newFilesystem("cgroup2", {}, kDataOnly)));
  progress.enter(BootStage::Run);
  makeRun(progress, plan);
}

}  // namespace vs::guest
