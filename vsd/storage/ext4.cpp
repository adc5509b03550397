#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/fs_type.hpp"

namespace vs::storage {
namespace {

constexpr Millis kMakeDeadline{600'000};
constexpr Millis kCheckDeadline{6 * 3600 * 1000};
constexpr off_t kSuperblock = 1024;  // ext4(5): the superblock and some fields of it
constexpr off_t kBlocksOffset = 0x4;
constexpr off_t kBlockSizeOffset = 0x18;  // its binary logarithm, less 10
constexpr off_t kStateOffset = 0x3a;
constexpr std::uint16_t kErrorsSeen = 0x2;

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

class Ext4 : public FsType {
 public:
  const char* name() const override { return "ext4"; }
  Bytes smallest() const override { return 4_MiB; }
  void make(Runner& runner, const std::string& device, Content content) const override;
  // Tables of inodes that were never used are left alone: on thin volumes they take no space, and
  // read as zeros.
  const char* mountOptions(Access access) const override {
    return access == Access::ReadOnly ? "noload" : "errors=remount-ro,noinit_itable";
  }
  void prepareMount(Runner& runner, const std::string& device) const override;
  bool isCheckedReplayed() const override { return false; }
  CheckReport check(Runner& runner, const std::string& device, Repair repair) const override;
  std::string remedy(const std::string& device) const override {
    return fmt::format("look at it with 'e2fsck -fn {}', mend it with 'e2fsck -f {}'", device,
                       device);
  }
  std::optional<Bytes> shrink(Runner& runner, const std::string& device,
                              std::optional<Bytes> size) const override;
  void grow(Runner& runner, const std::string& device, const std::string&) const override;
  bool limitRoom(int root, dev_t device, Bytes room) const override;
  bool hasSeenErrors(const std::string&, dev_t device) const override;
};

void Ext4::make(Runner& runner, const std::string& device, Content content) const {
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

// The superblock says of errors found while it was mounted.
void Ext4::prepareMount(Runner& runner, const std::string& device) const {
  if ((readSuperblock<std::uint16_t>(device, kStateOffset) & kErrorsSeen) == 0) return;
  log::warning("the file system on '{}' is marked as damaged: checking it", device);
  Command check;
  check.argv = {findProgram("e2fsck", "e2fsprogs"), "-p", device};
  check.deadline = kCheckDeadline;
  const Output output = runner.run(check);
  constexpr int kMended = 3;  // e2fsck(8): 1 corrected, 2 corrected and wants a reboot
  if (output.status <= kMended) return;
  throw failed("the file system on '{}' cannot be mended by itself: {}", device,
               printable(output.out + output.err, 500))
      .withHint(remedy(device));
}

CheckReport Ext4::check(Runner& runner, const std::string& device, Repair repair) const {
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

std::optional<Bytes> Ext4::shrink(Runner& runner, const std::string& device,
                                  std::optional<Bytes> size) const {
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
  return Bytes{std::uint64_t{blocks} * (std::uint64_t{1024} << exponent)};
}

void Ext4::grow(Runner& runner, const std::string& device, const std::string&) const {
  Command grow;
  grow.argv = {findProgram("resize2fs", "e2fsprogs"), device};
  grow.deadline = kCheckDeadline;
  runner.mustRun(grow, fmt::format("grow the file system on '{}'", device));
}

bool Ext4::limitRoom(int root, dev_t device, Bytes room) const {
  const std::string knobs = fmt::format("/sys/fs/ext4/dm-{}", ::minor(device));
  if (!exists(knobs)) return false;
  struct statfs space {};
  vs::check(::fstatfs(root, &space), "ask for the room on '{}'", knobs);
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

bool Ext4::hasSeenErrors(const std::string&, dev_t device) const {
  const auto count =
      readFileIfExists(fmt::format("/sys/fs/ext4/dm-{}/errors_count", ::minor(device)));
  return count && std::atoi(count->c_str()) != 0;
}

}  // namespace

const FsType& ext4() {
  static const Ext4 type;
  return type;
}

}  // namespace vs::storage
