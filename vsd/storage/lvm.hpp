// LVM2 through its own program, lvm(8), with reports as JSON. Each call costs a process, a look at
// every device and, in a shared group, I/O on leases: callers read all they need of a group at once
// and change several things in one call. Only volumes that carry our tag are ever reported or
// changed.
//
// Errors: what lvm says on stderr, under Failed; ENOSPC as errno when the group or the pool has no
// room; Busy when another host holds the lock of a volume.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

inline constexpr const char* kOurTag = "vsd";

struct VolumeGroup {
  std::string name;
  Bytes size;
  Bytes free;
  std::vector<std::string> tags;
  std::string lockType;       // "" local, "sanlock", "dlm"
  std::uint64_t volumes = 0;  // anybody's, without those inside others
  std::uint64_t missing = 0;  // disks that are not there
};

struct LogicalVolume {
  std::string name;
  Bytes size;
  std::string pool;    // of a thin volume
  std::string origin;  // what a snapshot was taken of, as long as that is there
  std::vector<std::string> tags;
  bool active = false;
  bool writable = true;
  bool isThinPool = false;
  double dataPercent = 0;      // of a thin volume or pool: how much of it is in use
  double metadataPercent = 0;  // of a thin pool

  bool has(const std::string& tag) const;
  // What follows "PREFIX=" in the first tag of that form; empty without one.
  std::string tagged(const std::string& prefix) const;
};

// Whether other hosts change a group too. What it holds is then read without a lock, which would
// cost I/O on a lease: what was read can be old by the time it is used, with a lock too.
enum class Sharing { Local, Shared };

// Who makes the nodes of devices. Waiting for udev takes longer than the rest of a call; but lvm
// itself makes them only at its end, and its lock daemon wants that of the leases before.
enum class Nodes { Lvm, Udev };

class Lvm {
 public:
  explicit Lvm(Runner& runner, Sharing sharing = Sharing::Local)
      : runner_(runner), sharing_(sharing) {}

  std::optional<VolumeGroup> group(const std::string& name) const;
  std::vector<VolumeGroup> groups() const;  // all this host sees
  std::vector<LogicalVolume> volumes(const std::string& group) const;
  std::vector<std::string> foreignVolumes(const std::string& group) const;  // without our tag
  std::vector<std::string> devices(const std::string& group) const;         // its physical volumes
  // lvm WORDS..., for changes; `intent` completes "cannot ...: why".
  void change(const std::string& intent, std::vector<std::string> words,
              Nodes nodes = Nodes::Lvm) const;
  // Joins the hosts that share a group, or leaves them; may be repeated.
  void startLocks(const std::string& group) const;
  void stopLocks(const std::string& group) const;

 private:
  std::string report(const std::string& intent, std::vector<std::string> words) const;
  Output run(std::vector<std::string> words, Nodes nodes) const;

  Runner& runner_;
  Sharing sharing_;
};

// Text of any kind as tags of one volume and back: "PREFIX0=...", "PREFIX1=..." in base64url, for a
// tag holds neither spaces nor quotes and at most 1024 characters (lvm(8), TAGS).
std::vector<std::string> tagsFrom(const std::string& prefix, const std::string& text);
// Throws Failed when the tags do not make a whole text. Empty without any.
std::string textFrom(const std::string& prefix, const std::vector<std::string>& tags);

// Parts of Lvm that need no lvm: what its reports say.
std::vector<LogicalVolume> parseVolumes(const std::string& report);
std::vector<VolumeGroup> parseGroups(const std::string& report);

}  // namespace vs::storage
