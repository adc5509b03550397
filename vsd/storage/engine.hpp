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

#include "vsd/base/finding.hpp"
#include "vsd/base/units.hpp"

namespace vs::storage {

// Of a volume that is given no size, where sizes are enforced; vsd.toml may say another.
inline constexpr Bytes kDefaultSize = 8_GiB;

// What a tier can do on this host, said plainly to users (`vsctl check`, `vsctl storage show`).
struct Capabilities {
  std::string tier;          // "dir", "thin", "shared"
  bool instantCopy = false;  // a volume from a template in time independent of its size
  bool snapshots = false;
  bool growOnline = false;
  bool sharedBetweenHosts = false;
  bool sizeEnforced = false;    // a volume's size is a hard limit
  bool ownDevice = false;       // each has a block device, whose rates can be limited
  bool sizesTemplates = false;  // beginTemplate wants to know what it will hold
  std::string copyMethod;       // "reflink", "copy", "thin snapshot"
};

struct Volume {
  std::string name;           // the context's
  std::optional<Bytes> size;  // nullopt: bounded only by what it lies on
  bool attached = false;
  std::string definition;  // the context's definition as JSON, kept with the data
};

enum class MadeBy { User, Schedule, Undo };

// A point in the life of a volume, kept beside it.
struct Snapshot {
  std::string name;
  std::string created;  // RFC 3339
  Bytes size;           // of the volume at that moment
  MadeBy by = MadeBy::User;
  std::optional<Bytes> mapped = {};  // what it has of its own or shares with others, where known
};

struct CreateRequest {
  std::string name;
  std::string templateName;
  std::optional<Bytes> size;  // nullopt: the tier's default
  std::string definition;
};

// The record of who may use a volume, kept with it and written only by who holds its lock.
struct Owner {
  std::string host;
  std::uint64_t epoch = 0;  // counts the changes of owner
};

// How full a storage is. used and promised count our volumes only; snapshots and copies that share
// blocks are used once, and promised each in full.
struct Space {
  Bytes size;
  Bytes used;
  Bytes promised;              // what all volumes may grow to hold
  Bytes growth;                // what the storage itself may still grow by
  std::string fileSystem;      // of volumes: "ext4", "xfs"; empty where they have none of their own
  double metadataPercent = 0;  // of a pool: it is full when either is
};

// When and by how much pools grow that several volumes' data lies in.
struct Growth {
  int at = 70;      // percent in use, of data or metadata
  int by = 25;      // percent of what the pool has
  int reserve = 5;  // percent of the volume group that stay free for the administrator
};

// What a check of a file system has found.
struct CheckReport {
  bool good = true;  // nothing is wrong with it any more
  bool mended = false;
  std::string text;  // what was found, a line for each
};
enum class Repair { No, Yes };

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
  // Of volumes, and of templates from now on, where sizes are enforced. Before any other call.
  void setDefaultSize(Bytes size) { defaultSize_ = size; }
  virtual std::vector<Volume> list() const = 0;
  virtual bool hasVolume(const std::string& name) const = 0;
  // Lets devices go on that a call which never ended (a crash) left suspended, asking the kernel
  // only: whoever reads them, lvm too, waits for ever. Only first of all in a vsd that starts:
  // later a call of lvm may have suspended them for a purpose. Returns a sentence for each.
  virtual std::vector<std::string> letDevicesGo();
  // Removes what calls that never ended (a crash) left behind, except what belongs to a volume or
  // template in `inUse`: those that some operation works on at this moment. Returns a sentence for
  // each thing removed.
  virtual std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) = 0;
  // Grows pools that get full; lets file systems take no more than there is room for, so that who
  // writes gets ENOSPC and nothing is lost; gives back what they have freed. Cheap when there is
  // nothing to do: it is called every second, by one thread.
  virtual void keepRoom(const Growth& how);
  // What was wrong when it was last called: a sentence for each.
  virtual std::vector<std::string> troubles() const;
  // What volumes are promised, against what they can be given, as it was at most `age` ago; nullopt
  // on a tier without sizes.
  struct Promise {
    Bytes promised;  // the sizes of all contexts' volumes
    Bytes capacity;  // what all the storage can hold
  };
  virtual std::optional<Promise> promise(Millis age) const;

  // Everything it is made of, held against how that should be; `programDirectory` is where vsd's
  // own programs are. Takes up to a few seconds.
  virtual std::vector<Finding> findings(const std::string& programDirectory) const;

  // --- templates ---
  // An empty place to fill with a template's tree, which takes `content` where that is known;
  // nothing is visible under `name` before finishTemplate. Replaces an abandoned one of the same
  // name. Gives the tree's host path.
  virtual std::string beginTemplate(const std::string& name, std::optional<Bytes> content) = 0;
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
  // The same with an empty tree, to be filled. `templateName` is not looked at.
  virtual void createEmpty(const CreateRequest& request) = 0;
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
  // A detached volume and its file system; before or after, whatever happens meanwhile. Throws
  // InvalidParameter when it holds more than that, Unsupported on a tier without sizes.
  virtual void shrink(const std::string& name, Bytes size);
  // Holds the file system against its own rules; of a volume in use a snapshot is looked at.
  // Mending wants a detached one (Busy). Throws Unsupported on a tier that has none of its own.
  virtual CheckReport checkVolume(const std::string& name, Repair repair);

  // --- use ---
  // Host path of the root file system, ready for use; repeated calls give the same path.
  virtual std::string attach(const std::string& name) = 0;
  virtual void detach(const std::string& name) = 0;  // absent or detached is success
  // "MAJOR:MINOR" of the block device below the file system of an attached volume, the same as long
  // as it is attached; nullopt when it is not, or on a tier without devices.
  virtual std::optional<std::string> deviceOf(const std::string& name) const;
  // Cuts a volume off at once, whatever still uses it: all its I/O fails from here on.
  virtual void fence(const std::string& name) = 0;

  // --- snapshots (tiers without them throw Unsupported) ---
  // Of a volume in use too: its file system is complete in it, as after a loss of power, without
  // what its programs had not yet written. Throws Exists.
  virtual void createSnapshot(const std::string& name, const std::string& snapshot, MadeBy by) = 0;
  virtual void removeSnapshot(const std::string& name, const std::string& snapshot) = 0;
  // A detached volume holds again what it held then, under its definition and size of now; the
  // snapshot stays.
  virtual void restoreSnapshot(const std::string& name, const std::string& snapshot) = 0;
  virtual std::vector<Snapshot> listSnapshots(const std::string& name) const = 0;  // oldest first
  // One of them with its figures as they are now. Throws NotFound.
  virtual Snapshot showSnapshot(const std::string& name, const std::string& snapshot) const;
  // Its tree, to be read, by one reader at a time. One that a crash has left open is taken over,
  // and closed at the end. Throws NotFound.
  virtual std::shared_ptr<const OpenTree> openSnapshot(const std::string& name,
                                                       const std::string& snapshot) = 0;
  // The tree of a volume, in use or not, as it is at this moment and stays as long as it is open.
  virtual std::shared_ptr<const OpenTree> openMoment(const std::string& name);

  // --- one volume, several hosts (tiers that are not shared throw Unsupported) ---
  // Whom a volume belongs to; nullopt when there is none of that name, or on a tier without owners.
  virtual std::optional<Owner> ownerOf(const std::string& name) const;
  // Makes a volume that nobody uses this host's, in the next epoch. Throws NotFound; Busy, with the
  // owner's name, when its host still holds it, or is dead for less time than a lease lasts.
  virtual void takeOwnership(const std::string& name);
  // Source of a move: takes the volume away under frozen tasks: its lock is free, its mount is
  // there, and whoever uses that waits. A volume that is not attached is put down.
  virtual void release(const std::string& name);
  // Source, move given up: the same volume back under the same mount. Throws Busy as long as
  // another host holds it or when it is the owner's no more.
  virtual void takeBack(const std::string& name);
  // Whether it was released and not taken back: its tasks must not go on.
  virtual bool isReleased(const std::string& name) const;
  // Destination: lock and attach, on a snapshot for the next epoch; gives the tree as attach does.
  // The source can have everything back until the commit. Throws InvalidState for another epoch.
  virtual std::string takeOver(const std::string& name, std::uint64_t epoch);
  // From here on it is this host's. One write: before or after it, never between.
  virtual void commitTakeOver(const std::string& name, std::uint64_t epoch);
  // Drops what the volume was in the last epoch. It may be attached; may be repeated.
  virtual void finishTakeOver(const std::string& name);
  // Drops the snapshot and lets the volume go; after the commit it throws InvalidState.
  virtual void giveUpTakeOver(const std::string& name, std::uint64_t epoch);

 protected:
  Bytes defaultSize() const { return defaultSize_; }

 private:
  Bytes defaultSize_ = kDefaultSize;
};

}  // namespace vs::storage
