// File systems of volumes that are block devices: made, mounted on the host's side, grown, held
// still for a snapshot. Mounts are nosuid and nodev and lie below 0700 directories: what a context
// sees is mounted from them by vsd-guest.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"
#include "vsd/storage/engine.hpp"

namespace vs::storage {

// What a device holds before it is used: on zeros less has to be written.
enum class Content { Zeros, Anything };

class FsType;
// "ext4" (also for no name) or "xfs"; throws InvalidParameter for any other.
const FsType& typeNamed(const std::string& name);

// Makes an empty file system of the type of that name.
void makeFileSystem(Runner& runner, const std::string& device, const std::string& type,
                    Content content);
// Makes an unmounted file system as small as what it holds allows, or of `size`; gives its size,
// nullopt when its type cannot shrink. Throws InvalidParameter when it holds more than that.
std::optional<Bytes> shrinkFileSystem(Runner& runner, const std::string& device,
                                      std::optional<Bytes> size = std::nullopt);

// e2fsck(8) or xfs_repair(8) on an unmounted file system; isCheckedReplayed: what it has in its
// journal must have been replayed by a mount.
CheckReport checkFileSystem(Runner& runner, const std::string& device, Repair repair);
bool isCheckedReplayed(const std::string& device);

// ReadOnly never writes, not even the journal's replay; ReadReplayed replays what the last use has
// left in the journal, and then writes no more.
enum class Access { ReadWrite, ReadOnly, ReadReplayed };

// Mounts `device` at `directory` (made if need be). An ext4 file system that was marked as damaged
// is checked and mended first (e2fsck -p), but for ReadOnly; throws Failed with the remedy when
// that is not enough, and with EUCLEAN or EBADMSG when it is too damaged to be mounted.
void mountDevice(Runner& runner, const std::string& device, const std::string& directory,
                 Access access);
bool isMounted(const std::string& directory);
// Absent or not mounted is success. Throws Busy when something holds it open.
void unmount(const std::string& directory);
// Makes the file system as large as its device, while it is mounted at `directory`.
void growFileSystem(Runner& runner, const std::string& device, const std::string& directory);
// Whether what is mounted there, from `device`, has seen errors.
bool hasSeenErrors(const std::string& directory, dev_t device);

// The file system at `directory`, on `device`, takes at most `room` of new blocks from now on:
// who asks for more gets ENOSPC, and df says so; what it has accepted already it will write.
// Whether that is less than it has free. Nothing happens when something else is mounted there
// meanwhile.
bool limitRoom(const std::string& directory, dev_t device, Bytes room);
// What is free in the `length` bytes of the file system from `start` goes back to what lies below
// (FITRIM). True when it ends before `start`, or when nothing below wants to know.
bool giveBack(const std::string& directory, Bytes start, Bytes length);

// Writes out the file system at `directory` and holds every writer back until thaw(). Throws when
// somebody holds it still already: it is theirs to let go.
void holdStill(const std::string& directory);
// The file system at `directory` takes no more notice of its device, and writes nothing to it any
// more, not even what it still has to: for one whose device is cut off, before it is unmounted
// (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN). Lets writers go on, with errors.
void shutDown(const std::string& directory);
// Lets writers go on whom a Frozen of a process that is gone has held. Not frozen is success.
void thaw(const std::string& directory);

// The file system at `directory` is complete on its device and holds every writer back until the
// end of this object (FIFREEZE).
class Frozen {
 public:
  explicit Frozen(const std::string& directory);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  Fd root_;
};

}  // namespace vs::storage
