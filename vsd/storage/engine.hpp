// The storage interface: where contexts' root file systems live. One interface for every tier
// (`dir` today; `thin` and `shared` on LVM), so that operations, moves and tests know none.
//
// Words: a *template volume* is a finished, read-only root file system; a *volume* is one context's
// own, named after the context. A volume is *attached* on at most one host at a time; attached
// means its root file system stands at a host path below a 0700 directory, nosuid and nodev on the
// host side, ids unshifted (0..65535): the ID map is added by vsd-guest.
//
// Every call names its volume; every call that removes may be repeated without harm; nothing keeps
// state in memory: list() finds what is really there, after any crash.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vsd/base/units.hpp"

namespace vs::storage {

// What a tier can do on this host, said plainly to users (`vsctl check`, `vsctl storage show`).
struct Capabilities {
  std::string tier;          // "dir", "thin", "shared"
  bool instantCopy = false;  // a volume from a template in time independent of its size
  bool snapshots = false;
  bool growOnline = false;
  bool sharedBetweenHosts = false;
  bool sizeEnforced = false;  // a volume's size is a hard limit
  std::string copyMethod;     // "reflink", "copy", "thin snapshot"
};

struct Volume {
  std::string name;           // the context's
  std::optional<Bytes> size;  // nullopt: bounded only by what it lies on
  bool attached = false;
  std::string definition;  // the context's definition as JSON, kept with the data
};

// A point in the life of a volume, kept beside it.
struct Snapshot {
  std::string name;
  std::string created;  // RFC 3339
  Bytes size;           // of the volume at that moment
};

struct CreateRequest {
  std::string name;
  std::string templateName;
  std::optional<Bytes> size;  // nullopt: the tier's default
  std::string definition;
};

// How full a storage is. used and promised count our volumes only; snapshots and copies that share
// blocks are used once, and promised each in full.
struct Space {
  Bytes size;
  Bytes used;
  Bytes promised;              // what all volumes may grow to hold
  Bytes growth;                // what the storage itself may still grow by
  double metadataPercent = 0;  // of a pool: it is full when either is
};

// A tree that is there as long as this object is.
class OpenTree {
 public:
  // `close` is called at the end; what it throws is logged.
  OpenTree(std::string path, std::function<void()> close);
  ~OpenTree();
  OpenTree(const OpenTree&) = delete;
  OpenTree& operator=(const OpenTree&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::function<void()> close_;
};

// Called with 0..100 while something long goes on; may throw (Kind::Cancelled) to stop it.
using Progress = std::function<void(int percent)>;

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const std::string& name() const = 0;  // the storage's: "dir", or as it was added
  virtual Capabilities capabilities() const = 0;
  virtual Space space() const = 0;
  virtual std::vector<Volume> list() const = 0;
  virtual bool hasVolume(const std::string& name) const = 0;
  // Removes what calls that never ended (a crash) left behind, except what belongs to a volume or
  // template in `inUse`: those that some operation works on at this moment. Returns a sentence for
  // each thing removed.
  virtual std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) = 0;

  // --- templates ---
  // An empty place to fill with a template's tree; nothing is visible under `name` before
  // finishTemplate. Replaces an abandoned one of the same name.
  virtual std::string beginTemplate(const std::string& name) = 0;  // host path of the tree
  // Makes it durable and visible in one step; `description` is template.json.
  virtual void finishTemplate(const std::string& name, const std::string& description) = 0;
  virtual void abandonTemplate(const std::string& name) = 0;
  virtual std::vector<std::string> listTemplates() const = 0;
  // template.json; throws NotFound, or Failed when the template is damaged.
  virtual std::string templateDescription(const std::string& name) const = 0;
  // Its tree, to be read: for an export, or a copy on another storage.
  virtual std::shared_ptr<const OpenTree> openTemplate(const std::string& name) = 0;
  virtual void removeTemplate(const std::string& name) = 0;

  // --- volumes ---
  // A complete, detached volume or nothing. Throws Exists, NotFound (template), Failed (no space).
  virtual void createFromTemplate(const CreateRequest& request, const Progress& progress) = 0;
  // A copy of a detached or frozen volume under another name.
  virtual void clone(const std::string& from, const CreateRequest& request,
                     const Progress& progress) = 0;
  // With its snapshots. A rename that was cut off is taken back by the opposite one.
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void saveDefinition(const std::string& name, const std::string& definition) = 0;
  virtual void destroy(const std::string& name) = 0;  // absent is success
  // nullopt: bounded only by what it lies on. Throws NotFound.
  virtual std::optional<Bytes> sizeOf(const std::string& name) const = 0;
  // Volume and file system, in use or not; may be repeated. Throws InvalidParameter for less than
  // it has.
  virtual void grow(const std::string& name, Bytes size) = 0;

  // --- use ---
  // Host path of the root file system, ready for use; repeated calls give the same path.
  virtual std::string attach(const std::string& name) = 0;
  virtual void detach(const std::string& name) = 0;  // absent or detached is success
  // Cuts a volume off at once, whatever still uses it: all its I/O fails from here on.
  virtual void fence(const std::string& name) = 0;

  // --- points and hand-over (tiers without them throw Unsupported) ---
  // Of a volume in use too: its file system is complete in it, as after a loss of power, without
  // what its programs had not yet written. Throws Exists.
  virtual void createSnapshot(const std::string& name, const std::string& snapshot) = 0;
  virtual void removeSnapshot(const std::string& name, const std::string& snapshot) = 0;
  // A detached volume holds again what it held then, under its definition and size of now; the
  // snapshot stays.
  virtual void restoreSnapshot(const std::string& name, const std::string& snapshot) = 0;
  virtual std::vector<Snapshot> listSnapshots(const std::string& name) const = 0;  // oldest first
  // Source of a move: takes the volume away under frozen tasks, lock released, mount still there.
  virtual void release(const std::string& name) = 0;
  // Source, move given up: the same volume back under the same mount.
  virtual void takeBack(const std::string& name) = 0;
  // Destination: lock, activate, work on a snapshot of the next epoch; commit keeps it, giveUp
  // drops it.
  virtual std::string takeOver(const std::string& name, std::uint64_t epoch) = 0;
  virtual void commitTakeOver(const std::string& name, std::uint64_t epoch) = 0;
  virtual void giveUpTakeOver(const std::string& name, std::uint64_t epoch) = 0;
};

}  // namespace vs::storage
