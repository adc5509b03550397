#include "vsd/guest/root_builder.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "vsd/base/error.hpp"
#include "vsd/guest/linux.hpp"

namespace vs::guest {
namespace {

constexpr unsigned kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

int mountOf(const FilesystemMounts& filesystems, Filesystem which) {
  return filesystems[static_cast<std::size_t>(which)].get();
}

Fd below(int directory, const char* path, int flags = 0) {
  return Fd(check(openPlain(directory, path, flags, Crossing::Allowed), "open '{}'", path));
}

void attach(int mount, int target, std::string_view what) {
  check(attachMount(mount, target), "mount {}", what);
}

}  // namespace

Fd hostDevice(const DeviceNode& node) {
  const std::string path = "/dev/" + node.name;
  Fd device(check(copyMount(AT_FDCWD, path.c_str()), "copy the mount of '{}'", path));
  struct stat status {};
  check(::fstat(device.get(), &status), "look at '{}'", path);
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(node.major, node.minor))
    throw systemError(ENODEV, "'" + path + "' is not the device it should be");
  check(addAttributes(device.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), "limit '{}'", path);
  return device;
}

Fd emptyDirectory() {
  static constexpr MountOption kOptions[] = {{"mode", "0555"}, {"nr_inodes", "1"}, {"size", "4k"}};
  return Fd(check(newFilesystem("tmpfs", kOptions, kInert | MOUNT_ATTR_RDONLY),
                  "make an empty directory"));
}

RootBuilder::RootBuilder(int directory, Fd mount)
    : directory_(directory), mount_(std::move(mount)) {}

// A missing one is made; it is made through the host's view of the root file system because the
// host's root has no id in the other.
Fd RootBuilder::mountPoint(const char* name) {
  Fd host(openPlain(directory_, name, O_DIRECTORY, Crossing::Forbidden));
  if (!host && errno == ENOENT)
    check(::mkdirat(directory_, name, 0755), "create '/{}' in the root file system", name);
  return Fd(check(openPlain(mount_.get(), name, O_DIRECTORY, Crossing::Forbidden),
                  "open the directory '/{}' of the root file system", name));
}

void RootBuilder::build(const BootPlan& plan, const FilesystemMounts& filesystems) {
  stage_ = BootStage::Root;
  const Fd slash(check(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
  // On top of the host's own root: the one place that exists on every host. Nothing resolves into
  // it, because the root of a process stays below what is mounted over it.
  attach(mount_.get(), slash.get(), "the root file system");
  buildDev(filesystems);

  stage_ = BootStage::Proc;
  attach(mountOf(filesystems, Filesystem::Proc), mountPoint("proc").get(), "/proc");
  stage_ = BootStage::Sys;
  const int sys = mountOf(filesystems, Filesystem::Sys);
  attach(sys, mountPoint("sys").get(), "/sys");
  stage_ = BootStage::CgroupMount;
  attach(mountOf(filesystems, Filesystem::Cgroup), below(sys, "fs/cgroup", O_DIRECTORY).get(),
         "/sys/fs/cgroup");
  stage_ = BootStage::Run;
  attach(mountOf(filesystems, Filesystem::Run), mountPoint("run").get(), "/run");
  stage_ = BootStage::Covers;
  cover(plan.covers);
}

void RootBuilder::buildDev(const FilesystemMounts& filesystems) {
  stage_ = BootStage::Dev;
  const int dev = mountOf(filesystems, Filesystem::Dev);
  attach(dev, mountPoint("dev").get(), "/dev");
  const int pts = mountOf(filesystems, Filesystem::Pts);
  attach(pts, below(dev, "pts", O_DIRECTORY).get(), "/dev/pts");
  attach(mountOf(filesystems, Filesystem::Shm), below(dev, "shm", O_DIRECTORY).get(), "/dev/shm");
  attach(mountOf(filesystems, Filesystem::Mqueue), below(dev, "mqueue", O_DIRECTORY).get(),
         "/dev/mqueue");
}

// What stands at `path` of the finished tree; empty when this kernel has no such entry.
Fd RootBuilder::existing(const std::string& path) const {
  Fd entry(openPlain(mount_.get(), path.c_str() + path.starts_with('/'), 0, Crossing::Allowed));
  if (!entry && errno != ENOENT) throw systemError(errno, "open '" + path + "'");
  return entry;
}

void RootBuilder::cover(const Covers& covers) {
  for (const std::string& path : covers.emptyFiles) coverWithNothing(path);
  for (const std::string& path : covers.emptyDirectories) coverWithNothing(path);
  std::vector<std::pair<const std::string*, Fd>> stillWritable;
  for (const std::string& path : covers.writable)
    if (const Fd entry = existing(path); entry)
      stillWritable.emplace_back(&path, check(copyMount(entry.get(), ""), "copy '{}'", path));
  for (const std::string& path : covers.readOnly) coverReadOnly(path);
  for (const auto& [path, mount] : stillWritable) attach(mount.get(), existing(*path).get(), *path);
}

// The kind of the cover follows what is there: kernels differ.
void RootBuilder::coverWithNothing(const std::string& path) {
  const Fd entry = existing(path);
  if (!entry) return;
  struct stat status {};
  check(::fstat(entry.get(), &status), "look at '{}'", path);
  if (!S_ISDIR(status.st_mode)) {
    attach(hostDevice({"null", 1, 3}).get(), entry.get(), path);
    return;
  }
  if (emptyDirectory_) {
    const Fd copy(check(copyMount(emptyDirectory_.get(), ""), "copy an empty directory"));
    attach(copy.get(), entry.get(), path);
    return;
  }
  emptyDirectory_ = emptyDirectory();
  attach(emptyDirectory_.get(), entry.get(), path);
}

void RootBuilder::coverReadOnly(const std::string& path) {
  const Fd entry = existing(path);
  if (!entry) return;
  const Fd copy(check(copyMount(entry.get(), ""), "copy '{}'", path));
  check(addAttributes(copy.get(), kInert | MOUNT_ATTR_RDONLY), "make '{}' read-only", path);
  attach(copy.get(), entry.get(), path);
}

void RootBuilder::enter() {
  stage_ = BootStage::Pivot;
  check(::fchdir(mount_.get()), "enter the root file system");
  // With the same directory twice the old root lands on top of the new one, and the next call takes
  // it away again: no directory of the root file system is needed for it (pivot_root(2), NOTES).
  check(::syscall(SYS_pivot_root, ".", "."), "make it the root");
  check(::umount2(".", MNT_DETACH), "let go of the host's root");
  check(::chdir("/"), "enter the new root");
}

}  // namespace vs::guest
