#include "vsd/storage/block_fs.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/directory.hpp"

namespace vs::storage {
namespace {

constexpr Millis kMakeDeadline{600'000};
constexpr Millis kCheckDeadline{6 * 3600 * 1000};
constexpr Millis kUnmountTime{5'000};
// Tables of inodes that were never used are left alone: on thin volumes they take no space, and
// read as zeros.
constexpr const char* kMountOptions = "errors=remount-ro,noinit_itable";
constexpr off_t kSuperblock = 1024;  // ext4(5): the superblock and some fields of it
constexpr off_t kBlocksOffset = 0x4;
constexpr off_t kBlockSizeOffset = 0x18;  // its binary logarithm, less 10
constexpr off_t kMagicOffset = 0x38;
constexpr off_t kStateOffset = 0x3a;
constexpr std::uint16_t kMagic = 0xef53;
constexpr std::uint16_t kErrorsSeen = 0x2;
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);  // EXT4_IOC_SHUTDOWN
constexpr std::uint32_t kNoLogFlush = 2;                            // EXT4_GOING_FLAGS_NOLOGFLUSH

// What ext4 keeps back for itself unless told (fs/ext4/super.c): a fiftieth, at most 4096 clusters.
constexpr std::uint64_t kReservedPart = 50;
constexpr std::uint64_t kMostReserved = 4096;

std::uint64_t numberIn(const std::string& file) {
  const std::string text = readFile(file);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A field of the superblock, which is little endian as this machine is.
template <typename Number>
Number readSuperblock(const std::string& device, off_t offset) {
  const Fd fd = openFile(device, O_RDONLY | O_CLOEXEC);
  Number number = 0;
  if (::pread(fd.get(), &number, sizeof number, kSuperblock + offset) !=
      static_cast<ssize_t>(sizeof number))
    throw systemError(errno, fmt::format("read the superblock of '{}'", device));
  return number;
}

// What the superblock says of errors found while it was mounted.
bool hasSeenErrors(const std::string& device) {
  if (readSuperblock<std::uint16_t>(device, kMagicOffset) != kMagic)
    throw failed("there is no ext4 file system on '{}'", device);
  return (readSuperblock<std::uint16_t>(device, kStateOffset) & kErrorsSeen) != 0;
}

void mend(Runner& runner, const std::string& device) {
  log::warning("the file system on '{}' is marked as damaged: checking it", device);
  Command check;
  check.argv = {findProgram("e2fsck", "e2fsprogs"), "-p", device};
  check.deadline = kCheckDeadline;
  const Output output = runner.run(check);
  constexpr int kMended = 3;  // e2fsck(8): 1 corrected, 2 corrected and wants a reboot
  if (output.status <= kMended) return;
  throw failed("the file system on '{}' cannot be mended by itself: {}", device,
               printable(output.out + output.err, 500))
      .withHint(fmt::format("look at it with 'e2fsck -fn {}', mend it with 'e2fsck -f {}'", device,
                            device));
}

}  // namespace

void makeFileSystem(Runner& runner, const std::string& device, Content content) {
  Command make;
  // Contexts' file systems are copies of their template's: a checksum seed of its own lets one be
  // given another uuid while it is mounted. No blocks are kept for root: it is not the host's root.
  make.argv = {findProgram("mkfs.ext4", "e2fsprogs"),
               "-q",
               "-F",
               "-m",
               "0",
               "-O",
               "metadata_csum_seed",
               "-E",
               content == Content::Zeros ? "nodiscard,assume_storage_prezeroed=1" : "nodiscard",
               device};
  make.deadline = kMakeDeadline;
  runner.mustRun(make, fmt::format("make a file system on '{}'", device));
}

CheckReport checkFileSystem(Runner& runner, const std::string& device, Repair repair) {
  Command check;
  check.argv = {findProgram("e2fsck", "e2fsprogs"), "-f", repair == Repair::Yes ? "-y" : "-n",
                device};
  check.deadline = kCheckDeadline;
  const Output output = runner.run(check);
  constexpr int kCorrected = 3;  // e2fsck(8): 1, and 2 with the wish for a reboot
  constexpr int kErrorsLeft = 4;
  if ((output.status & ~(kCorrected | kErrorsLeft)) != 0)
    throw failed("the file system on '{}' cannot be checked: {}", device,
                 printable(output.out + output.err, 500));
  return {(output.status & kErrorsLeft) == 0, (output.status & kCorrected) != 0,
          printable(output.out, 2000)};
}

Bytes shrinkFileSystem(Runner& runner, const std::string& device, std::optional<Bytes> size) {
  Command check;
  check.argv = {findProgram("e2fsck", "e2fsprogs"), "-f", "-p", device};
  check.deadline = kCheckDeadline;
  const Output output = runner.run(check);
  if (output.status > 1)  // e2fsck(8): 1 says that it has corrected something
    throw failed("the file system on '{}' is damaged: {}", device,
                 printable(output.out + output.err, 500));
  Command shrink;
  shrink.argv = {findProgram("resize2fs", "e2fsprogs")};
  if (size)
    shrink.argv.insert(shrink.argv.end(), {device, fmt::format("{}K", size->value / 1024)});
  else
    shrink.argv.insert(shrink.argv.end(), {"-M", device});
  shrink.deadline = kCheckDeadline;
  const Output shrunk = runner.run(shrink);
  if (shrunk.status != 0 && shrunk.err.find("smaller than minimum") != std::string::npos)
    throw invalid("the file system on '{}' holds too much for {}", device, formatBytes(*size));
  if (shrunk.status != 0)
    throw failed("cannot shrink the file system on '{}': {}", device, printable(shrunk.err, 500));
  const std::uint32_t blocks = readSuperblock<std::uint32_t>(device, kBlocksOffset);
  const std::uint32_t exponent = readSuperblock<std::uint32_t>(device, kBlockSizeOffset);
  return {std::uint64_t{blocks} * (std::uint64_t{1024} << exponent)};
}

void mountDevice(Runner& runner, const std::string& device, const std::string& directory,
                 Access access) {
  if (access != Access::ReadOnly && hasSeenErrors(device)) mend(runner, device);
  makePrivateDirectory(directory);
  unsigned long flags = MS_NOSUID | MS_NODEV;
  if (access != Access::ReadWrite) flags |= MS_RDONLY;
  check(::mount(device.c_str(), directory.c_str(), "ext4", flags,
                access == Access::ReadOnly ? "noload" : kMountOptions),
        "mount '{}' at '{}'", device, directory);
}

bool isMounted(const std::string& directory) {
  struct stat here {};
  struct stat above {};
  if (::stat(directory.c_str(), &here) < 0) return false;
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

void growFileSystem(Runner& runner, const std::string& device) {
  Command grow;
  grow.argv = {findProgram("resize2fs", "e2fsprogs"), device};
  grow.deadline = kCheckDeadline;
  runner.mustRun(grow, fmt::format("grow the file system on '{}'", device));
}

bool limitRoom(const std::string& directory, dev_t device, Bytes room) {
  const Fd root = openDirectory(directory);
  struct stat status {};
  check(::fstat(root.get(), &status), "look at '{}'", directory);
  const std::string knobs = fmt::format("/sys/fs/ext4/dm-{}", ::minor(device));
  if (status.st_dev != device || !exists(knobs)) return false;
  struct statfs space {};
  check(::fstatfs(root.get(), &space), "ask for the room in '{}'", directory);
  // Writers have been promised blocks that are not written yet: they are not free, and will take
  // room all the same.
  const std::uint64_t promised = numberIn(knobs + "/delayed_allocation_blocks");
  const auto size = static_cast<std::uint64_t>(space.f_bsize);
  const std::uint64_t granted = room.value / size - std::min(promised, room.value / size);
  const std::uint64_t least = std::min(space.f_blocks / kReservedPart, kMostReserved);
  const std::uint64_t wanted =
      std::max(least, space.f_bfree - std::min<std::uint64_t>(space.f_bfree, granted));
  const std::string reserved = knobs + "/reserved_clusters";
  const std::uint64_t now = numberIn(reserved);
  if (now != wanted && (now > least || wanted > least))
    writeExisting(reserved, std::to_string(wanted));
  return wanted > least;
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
  const Fd root = openDirectory(directory);
  std::uint32_t flags = kNoLogFlush;
  check(::ioctl(root.get(), kShutdown, &flags), "shut the file system at '{}' down", directory);
  thaw(directory);
}

void thaw(const std::string& directory) {
  const Fd root = openDirectory(directory);
  if (::ioctl(root.get(), FITHAW, 0) < 0 && errno != EINVAL)
    throw systemError(errno, fmt::format("let the file system at '{}' go on", directory));
}

Frozen::Frozen(const std::string& directory) : root_(openDirectory(directory)) {
  holdStill(directory);
}

Frozen::~Frozen() {
  if (::ioctl(root_.get(), FITHAW, 0) < 0) log::error("cannot thaw a file system: {}", errno);
}

}  // namespace vs::storage
