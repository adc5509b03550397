#include "vsd/storage/block_fs.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/directory.hpp"
#include "vsd/storage/fs_type.hpp"

namespace vs::storage {
namespace {

constexpr Millis kUnmountTime{5'000};
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);  // EXT4_IOC_SHUTDOWN, and XFS's
constexpr std::uint32_t kNoLogFlush = 2;                            // EXT4_GOING_FLAGS_NOLOGFLUSH
constexpr std::size_t kExt4Magic = 1024 + 0x38;                     // where it is on a device
constexpr std::array<std::uint8_t, 2> kExt4 = {0x53, 0xef};
constexpr std::string_view kXfs = "XFSB";  // at its beginning

const FsType& mustBeOn(const std::string& device) {
  if (const FsType* type = typeOn(device)) return *type;
  throw failed("there is no file system of ours on '{}'", device);
}

void letGoOn(int root, const std::string& directory) {
  if (::ioctl(root, FITHAW, 0) < 0 && errno != EINVAL)
    throw systemError(errno, fmt::format("let the file system at '{}' go on", directory));
}

}  // namespace

const FsType* typeOn(const std::string& device) {
  const Fd fd = openFile(device, O_RDONLY | O_CLOEXEC);
  std::array<char, 2048> begin{};
  if (::pread(fd.get(), begin.data(), begin.size(), 0) != static_cast<ssize_t>(begin.size()))
    throw systemError(errno, fmt::format("read the beginning of '{}'", device));
  if (std::memcmp(begin.data(), kXfs.data(), kXfs.size()) == 0) return &xfs();
  if (std::memcmp(begin.data() + kExt4Magic, kExt4.data(), kExt4.size()) == 0) return &ext4();
  return nullptr;
}

const FsType& typeNamed(const std::string& name) {
  if (name.empty() || name == ext4().name()) return ext4();
  if (name == xfs().name()) return xfs();
  throw invalid("file system '{}' is unknown; choose 'ext4' or 'xfs'", printable(name));
}

void makeFileSystem(Runner& runner, const std::string& device, const std::string& type,
                    Content content) {
  typeNamed(type).make(runner, device, content);
}

bool isCheckedReplayed(const std::string& device) { return mustBeOn(device).isCheckedReplayed(); }

CheckReport checkFileSystem(Runner& runner, const std::string& device, Repair repair) {
  return mustBeOn(device).check(runner, device, repair);
}

std::optional<Bytes> shrinkFileSystem(Runner& runner, const std::string& device,
                                      std::optional<Bytes> size) {
  return mustBeOn(device).shrink(runner, device, size);
}

void mountDevice(Runner& runner, const std::string& device, const std::string& directory,
                 Access access) {
  const FsType& type = mustBeOn(device);
  if (access != Access::ReadOnly) type.prepareMount(runner, device);
  makePrivateDirectory(directory);
  unsigned long flags = MS_NOSUID | MS_NODEV;
  if (access != Access::ReadWrite) flags |= MS_RDONLY;
  if (::mount(device.c_str(), directory.c_str(), type.name(), flags, type.mountOptions(access)) ==
      0)
    return;
  const int error = errno;
  if (error == EUCLEAN || error == EBADMSG)
    throw Error(Kind::Failed,
                fmt::format("the file system on '{}' is damaged and cannot be mounted", device),
                error)
        .withHint("'vsctl fsck --repair' of its context mends it");
  throw systemError(error, fmt::format("mount '{}' at '{}'", device, directory));
}

// What has shut itself down after errors (XFS) says no more than that it is there.
bool isMounted(const std::string& directory) {
  struct stat here {};
  struct stat above {};
  if (::stat(directory.c_str(), &here) < 0) return errno == EIO;
  check(::stat((directory + "/..").c_str(), &above), "look at '{}/..'", directory);
  return here.st_dev != above.st_dev;
}

void unmount(const std::string& directory) {
  const Deadline deadline = deadlineIn(kUnmountTime);
  while (::umount2(directory.c_str(), UMOUNT_NOFOLLOW) < 0) {
    if (errno == ENOENT || errno == EINVAL) return;
    if (errno != EBUSY) throw systemError(errno, fmt::format("unmount '{}'", directory));
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(Kind::Busy,
                  fmt::format("cannot unmount '{}': something holds it open", directory))
          .withHint(fmt::format("find it with 'fuser -vm {}'", directory));
    std::this_thread::sleep_for(Millis(20));
  }
}

void growFileSystem(Runner& runner, const std::string& device, const std::string& directory) {
  mustBeOn(device).grow(runner, device, directory);
}

bool limitRoom(const std::string& directory, dev_t device, Bytes room) {
  const Fd root = openDirectory(directory);
  struct stat status {};
  check(::fstat(root.get(), &status), "look at '{}'", directory);
  if (status.st_dev != device) return false;
  struct statfs space {};
  check(::fstatfs(root.get(), &space), "ask what is mounted at '{}'", directory);
  return (space.f_type == XFS_SUPER_MAGIC ? xfs() : ext4()).limitRoom(root.get(), device, room);
}

bool hasSeenErrors(const std::string& directory, dev_t device) {
  return ext4().hasSeenErrors(directory, device) || xfs().hasSeenErrors(directory, device);
}

bool giveBack(const std::string& directory, Bytes start, Bytes length) {
  const Fd root = openDirectory(directory);
  fstrim_range range{start.value, length.value, 0};
  if (::ioctl(root.get(), FITRIM, &range) == 0) return false;
  // EINVAL: beyond its end. EOPNOTSUPP: nothing below wants to know.
  if (errno == EINVAL || errno == EOPNOTSUPP) return true;
  throw systemError(errno, fmt::format("give back what is free in '{}'", directory));
}

void holdStill(const std::string& directory) {
  const Fd root = openDirectory(directory);
  check(::syncfs(root.get()), "write out '{}'", directory);  // most of it before anybody waits
  check(::ioctl(root.get(), FIFREEZE, 0), "hold the file system at '{}' still", directory);
}

void shutDown(const std::string& directory) {
  const Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root && errno == EIO) return;  // it has done so itself
  check(root.get(), "open '{}'", directory);
  std::uint32_t flags = kNoLogFlush;
  check(::ioctl(root.get(), kShutdown, &flags), "shut the file system at '{}' down", directory);
  letGoOn(root.get(), directory);
}

void thaw(const std::string& directory) { letGoOn(openDirectory(directory).get(), directory); }

Frozen::Frozen(const std::string& directory) : root_(openDirectory(directory)) {
  holdStill(directory);
}

Frozen::~Frozen() {
  if (::ioctl(root_.get(), FITHAW, 0) < 0) log::error("cannot thaw a file system: {}", errno);
}

}  // namespace vs::storage
