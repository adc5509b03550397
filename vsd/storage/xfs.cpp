#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/fs_type.hpp"

namespace vs::storage {
namespace {

constexpr Millis kMakeDeadline{600'000};
constexpr Millis kCheckDeadline{6 * 3600 * 1000};

// What XFS keeps back for itself unless told (fs/xfs/xfs_fsops.c): a twentieth, at most 8192
// blocks.
constexpr std::uint64_t kReservedPart = 20;
constexpr std::uint64_t kMostReserved = 8192;

// ioctl_xfs_getresblks(2); the header with it is one of xfsprogs.
struct Reserved {
  __u64 wanted;
  __u64 there;
};
constexpr unsigned long kSetReserved = _IOWR('X', 114, Reserved);
constexpr unsigned long kGetReserved = _IOR('X', 115, Reserved);

// The number that follows "WORD:" in a text of lines "Word:   12 kB".
std::uint64_t kibibytes(const std::string& text, std::string_view word) {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", at + word.size());
  std::uint64_t number = 0;
  if (digits != std::string::npos)
    std::from_chars(text.data() + digits, text.data() + text.size(), number);
  return number;
}

// What was written to a file system on `device` and is not on the way to it yet: at least what XFS
// has promised blocks for, of which it tells nobody. Where the kernel does not say it of one
// device, that of all.
Bytes notYetWritten(dev_t device) {
  if (const auto stats = readFileIfExists(
          fmt::format("/sys/kernel/debug/bdi/{}:{}/stats", ::major(device), ::minor(device))))
    return {1024 * (kibibytes(*stats, "BdiReclaimable:") + kibibytes(*stats, "BdiWriteback:"))};
  const std::string all = readFile("/proc/meminfo");
  return {1024 * (kibibytes(all, "\nDirty:") + kibibytes(all, "\nWriteback:"))};
}

class Xfs : public FsType {
 public:
  const char* name() const override { return "xfs"; }
  Bytes smallest() const override { return 300_MiB; }  // mkfs.xfs(8)
  void make(Runner& runner, const std::string& device, Content content) const override;
  // Volumes have the uuid of their template.
  const char* mountOptions(Access access) const override {
    return access == Access::ReadOnly ? "nouuid,norecovery" : "nouuid";
  }
  void prepareMount(Runner&, const std::string&) const override {}
  bool isCheckedReplayed() const override { return true; }
  CheckReport check(Runner& runner, const std::string& device, Repair repair) const override;
  std::string remedy(const std::string& device) const override {
    return fmt::format(
        "look at it with 'xfs_repair -n {}'; 'xfs_repair -L {}' mends it and gives up what is only "
        "in its journal",
        device, device);
  }
  std::optional<Bytes> shrink(Runner&, const std::string&, std::optional<Bytes>) const override {
    return std::nullopt;
  }
  void grow(Runner& runner, const std::string& device, const std::string& directory) const override;
  bool limitRoom(int root, dev_t device, Bytes room) const override;
  bool hasSeenErrors(const std::string& directory, dev_t) const override;
};

void Xfs::make(Runner& runner, const std::string& device, Content) const {
  Command make;
  // Few allocation groups: one that grows gets more of the same size.
  make.argv = {findProgram("mkfs.xfs", "xfsprogs"), "-q", "-f", "-K", "-d", "agcount=2", device};
  make.deadline = kMakeDeadline;
  runner.mustRun(make, fmt::format("make a file system on '{}'", device));
}

CheckReport Xfs::check(Runner& runner, const std::string& device, Repair repair) const {
  Command check;
  check.argv = {findProgram("xfs_repair", "xfsprogs"), repair == Repair::Yes ? "-e" : "-n", device};
  check.deadline = kCheckDeadline;
  const Output output = runner.run(check);
  // xfs_repair(8): with -n 1 says that something is wrong; with -e 4 that it was mended.
  const int found = repair == Repair::Yes ? 4 : 1;
  if (output.status != 0 && output.status != found)
    throw failed("the file system on '{}' cannot be checked: {}", device,
                 printable(output.err, 500))
        .withHint(remedy(device));
  const bool mended = repair == Repair::Yes && output.status == found;
  return {output.status == 0 || mended, mended, printable(output.err, 2000)};
}

void Xfs::grow(Runner& runner, const std::string& device, const std::string& directory) const {
  Command grow;
  grow.argv = {findProgram("xfs_growfs", "xfsprogs"), "-d", directory};
  grow.deadline = kCheckDeadline;
  runner.mustRun(grow, fmt::format("grow the file system on '{}'", device));
}

// Free blocks that are reserved go to nobody, and df does not count them.
bool Xfs::limitRoom(int root, dev_t device, Bytes room) const {
  struct statfs space {};
  vs::check(::fstatfs(root, &space), "ask for the room of an xfs file system");
  Reserved reserved{};
  vs::check(::ioctl(root, kGetReserved, &reserved), "ask what an xfs file system keeps back");
  const auto size = static_cast<std::uint64_t>(space.f_bsize);
  const std::uint64_t promised = notYetWritten(device).value / size;
  const std::uint64_t granted = room.value / size - std::min(promised, room.value / size);
  const std::uint64_t free = space.f_bfree + reserved.there;
  const std::uint64_t least = std::min(space.f_blocks / kReservedPart, kMostReserved);
  Reserved wanted{std::max(least, free - std::min(free, granted)), 0};
  if (reserved.wanted != wanted.wanted && (reserved.wanted > least || wanted.wanted > least))
    vs::check(::ioctl(root, kSetReserved, &wanted), "have an xfs file system keep blocks back");
  return wanted.wanted > least;
}

// It answers nothing any more once it has found itself damaged.
bool Xfs::hasSeenErrors(const std::string& directory, dev_t) const {
  struct stat status {};
  return ::stat(directory.c_str(), &status) < 0 && errno == EIO;
}

}  // namespace

const FsType& xfs() {
  static const Xfs type;
  return type;
}

}  // namespace vs::storage
