// The device-mapper devices that vsd puts above volumes, so that a mounted file system can be cut
// off from what lies below it or put onto something else: one `linear` target each (libdevmapper;
// Documentation/admin-guide/device-mapper/linear.rst). Other people's devices are never touched:
// ours have a uuid that begins with "VSD-". udev is told to leave their content alone.
//
// Calls are made one at a time (the library keeps state of its own). Errors: Failed with the
// device's name and the step.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/units.hpp"

namespace vs::dm {

// A device as it is now.
struct Device {
  std::string name;
  dev_t number = 0;
  std::int32_t openCount = 0;
};

// The name of the device of that number; empty when there is none.
std::string nameOf(dev_t number);

// "/dev/dm-7": there as soon as the device is.
std::string pathOf(dev_t number);

// The device of that name, whoever made it: LVM's are found by it before udev has made their nodes.
std::optional<dev_t> numberOf(const std::string& name);

// A message to the target of a device, whoever made it (a thin pool: thin-provisioning.rst).
void message(const std::string& name, const std::string& text);
// Lets all devices go on, whoever made them, whose names begin with `prefix` and that are
// suspended: a program was killed that meant to do so. Returns their names.
std::vector<std::string> resumeAll(const std::string& prefix);

// nullopt when there is none of that name. Throws Exists when there is, but not ours.
std::optional<Device> find(const std::string& name);

// Makes `name` as an image of the whole block device `below`. Throws Exists.
Device createLinear(const std::string& name, const std::string& below);
// Puts what is there now onto the whole of `below`, which may be larger than before: I/O waits for
// the moment of the change, a file system above is not frozen for it.
void reloadLinear(const std::string& name, const std::string& below);
// All I/O fails from now on, with EIO; what was below is let go. Absent is success. What is under
// way is waited for, or held back and fails too: below may be what never answers.
enum class UnderWay { Wait, Fail };
void replaceByError(const std::string& name, UnderWay underWay);
// Whether that was done to it. A device that is absent was not.
bool isCutOff(const std::string& name);
// Anybody's device fails all I/O from now on, what is under way too. Absent is success.
void wipe(const std::string& name);
// Removes a device, whoever made it, unless somebody has it open; whether it did. Absent: no.
bool removeUnused(const std::string& name);
// What the first target of a device lies on; nullopt when it is absent or lies on nothing.
std::optional<dev_t> below(const std::string& name);
std::optional<dev_t> below(dev_t number);
// How full a thin pool is (Documentation/admin-guide/device-mapper/thin-provisioning.rst); nullopt
// when there is no such device, it is no pool, or it has failed. Asks the kernel only.
struct PoolUse {
  dev_t number = 0;
  double dataPercent = 0;
  double metadataPercent = 0;
  Bytes free;        // of data
  std::string mode;  // "rw", "ro", "out_of_data_space"
  bool needsCheck = false;
};
std::optional<PoolUse> poolUse(const std::string& name);
// A thin volume as the kernel has it; nullopt when there is none of that name.
struct ThinVolume {
  std::uint64_t id = 0;                 // in its pool
  std::optional<dev_t> externalOrigin;  // what it shows where it has nothing of its own
};
std::optional<ThinVolume> thinVolume(const std::string& name);
// Anybody's devices whose names begin with `prefix`, sorted.
std::vector<std::string> list(const std::string& prefix);
// Absent is success. Waits a moment for a last user that is just going; throws Busy after that.
void remove(const std::string& name);

}  // namespace vs::dm
