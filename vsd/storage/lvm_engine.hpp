// What the tiers on LVM have in common: volumes and what is said of them by tags, file systems on
// them, snapshots. Their names in a volume group, each with tags that say so:
//
//   vt-NAME          a template, read-only once it is finished
//   vc-NAME          a context's volume: a thin volume made from its template
//   vc-NAME.POINT    a snapshot of it; "vs.at=..." says of when, "vs.by=..." who made it
//   vn-NAME, vo-NAME what a volume becomes and was, while it goes back to a snapshot or shrinks
//   vd-NAME          a snapshot of it that is only read, for as long as somebody does
//
// Tags: "vsd" marks what is ours and nothing else is ever touched; "vs.unfinished" a template that
// is being filled; "vs.d0.2=..." the definition of a context, "vs.t0.2=..." template.json, so that
// one report of lvm tells all there is, also after the loss of the store.
//
// A file system is mounted on a linear device of our own above its volume (device_mapper.hpp),
// below the storage's 0700 directory; the tree is `root` in it.
#pragma once

#include <map>
#include <mutex>

#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"
#include "vsd/base/runner.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/block_fs.hpp"
#include "vsd/storage/engine.hpp"
#include "vsd/storage/lvm.hpp"
#include "vsd/storage/lvm_names.hpp"

namespace vs::storage {

class LvmEngine : public Engine {
 public:
  const std::string& name() const override { return name_; }
  std::vector<Volume> list() const override;
  bool hasVolume(const std::string& name) const override;
  std::vector<std::string> letDevicesGo() override;
  std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) override;
  void keepRoom(const Growth& how) override;
  std::vector<std::string> troubles() const override;
  std::optional<Promise> promise(Millis age) const override;
  std::vector<Finding> findings(const std::string& programDirectory) const override;

  void finishTemplate(const std::string& name, const std::string& description) override;
  void abandonTemplate(const std::string& name) override;
  std::vector<std::string> listTemplates() const override;
  std::string templateDescription(const std::string& name) const override;
  std::shared_ptr<const OpenTree> openTemplate(const std::string& name) override;
  void removeTemplate(const std::string& name) override;

  void rename(const std::string& from, const std::string& to) override;
  void saveDefinition(const std::string& name, const std::string& definition) override;
  void destroy(const std::string& name) override;
  std::optional<Bytes> sizeOf(const std::string& name) const override;
  void grow(const std::string& name, Bytes size) override;
  void shrink(const std::string& name, Bytes size) override;
  CheckReport checkVolume(const std::string& name, Repair repair) override;

  std::string attach(const std::string& name) override;
  void detach(const std::string& name) override;
  std::optional<std::string> deviceOf(const std::string& name) const override;
  void fence(const std::string& name) override;

  void createSnapshot(const std::string& name, const std::string& snapshot, MadeBy by) override;
  void removeSnapshot(const std::string& name, const std::string& snapshot) override;
  void restoreSnapshot(const std::string& name, const std::string& snapshot) override;
  std::vector<Snapshot> listSnapshots(const std::string& name) const override;
  Snapshot showSnapshot(const std::string& name, const std::string& snapshot) const override;
  std::shared_ptr<const OpenTree> openSnapshot(const std::string& name,
                                               const std::string& snapshot) override;
  std::shared_ptr<const OpenTree> openMoment(const std::string& name) override;

 protected:
  using Table = std::map<std::string, LogicalVolume>;

  // Reads nothing yet: a group that is missing is told by the first call that needs it. From then
  // on the engine keeps in mind what is there (in a shared group for a second), for each question
  // to lvm takes long; list(), space() and removeLeftovers() look anew.
  LvmEngine(std::string name, std::string group, const Paths& paths, Runner& runner,
            Sharing sharing);

  // --- what the tiers say for themselves ---
  // Whether a volume or template is this host's to change.
  virtual bool isHere(const Table& table, const LogicalVolume& volume) const;
  // Nothing of this volume is used here any more.
  virtual void putDown(const std::string& volume);
  // This host may use a volume that nobody uses, and it is what it should be. Throws Busy.
  virtual void bringUp(const std::string& name);
  // Brings a filled template into the form it stays in; gives words for the call of lvchange that
  // makes it visible.
  virtual std::vector<std::string> seal(const std::string& volume);

  // --- what there is: what the last report said, and what we changed since ---
  Table table() const;
  std::optional<LogicalVolume> find(const std::string& volume) const;
  LogicalVolume get(const std::string& volume, const Error& absent) const;
  void forgetTable() const;
  Error noTemplate(const std::string& name) const;
  Error noVolume(const std::string& name) const;
  Error volumeExists(const std::string& name) const;

  // One call of lvm. `note` brings what is known up to date, so that nobody need ask lvm again. The
  // file system mounted at `heldStill` is held still meanwhile, no longer.
  using Note = std::function<void(Table& table)>;
  void change(const std::string& intent, std::vector<std::string> words, const Note& note,
              const std::string& heldStill = {});
  void snapshotOf(const std::string& origin, const std::string& volume,
                  const std::vector<std::string>& tags);
  void createThin(const LogicalVolume& wanted);  // its name, size, pool and tags
  static LogicalVolume thinIn(const std::string& pool, const CreateRequest& request, Bytes size);
  // A context's volume in `pool`, with an empty tree.
  void createEmptyIn(const std::string& pool, const CreateRequest& request);
  void remove(const std::vector<std::string>& volumes, const std::string& intent);
  void renameVolume(const std::string& from, const std::string& to);
  // Throws Busy when it is an external origin of volumes of any host.
  void mustLieBelowNothing(const std::string& volume) const;
  void removeTemplateVolume(const std::string& volume);  // Busy as above
  // One that is marked as unfinished: true when it is removed, false when it was finished, its
  // removal was cut off, and a context was quicker: then it is a template again.
  bool abandonTemplateVolume(const std::string& volume);
  // `how` is "--addtag" or "--deltag": as long as it is marked as unfinished, nobody uses it.
  void markTemplate(const std::string& volume, const char* how);

  const std::string& group() const { return group_; }
  std::string path(const std::string& volume) const;  // "GROUP/VOLUME", as lvm wants it
  // "/dev/dm-7"; activated if need be.
  std::string device(const std::string& volume);
  bool isActive(const std::string& volume) const;
  std::string upper(const std::string& volume) const;  // our device above it
  std::string mountPoint(const std::string& volume) const;
  // The file system of `source` at the place of `volume`; its tree.
  std::string mount(const std::string& volume, const std::string& source, Access access);
  std::string mount(const std::string& volume, Access access) {
    return mount(volume, volume, access);
  }
  void unmountVolume(const std::string& volume);  // and puts it down
  void unmountHeld(const std::string& volume);    // and does not
  // Unless the volume is in use, it is put down.
  void putDownUnused(const std::string& name);
  // A tree to be filled, on a volume that was just made.
  std::string beginTree(const std::string& volume, Content content);
  std::string fileSystem() const;  // that such trees get: "ext4", "xfs"

  Runner& runner() const { return runner_; }
  const Lvm& lvm() const { return lvm_; }

 private:
  bool mend(const Error& error, int attempt) const;
  // lvm_check.cpp
  void checkGroup(std::vector<Finding>& findings) const;
  void checkNames(std::vector<Finding>& findings) const;
  void checkFileSystems(std::vector<Finding>& findings) const;
  // lvm_room.cpp
  struct Pool {
    std::string name;
    dm::PoolUse use;
  };
  std::vector<Pool> poolsInUse() const;
  void growPool(Pool& pool, const Growth& how);
  bool growPart(Pool& pool, bool metadata, const Growth& how);
  VolumeGroup groupNotOlderThan(Millis age) const;
  void limitVolumes(const std::vector<Pool>& pools, Bytes growth);
  void trimSome(const std::string& volume, bool inNeed);

  void removeParts(std::vector<std::string>& sentences) const;
  void thawAll(const std::set<std::string>& inUse);
  // lvm_repair.cpp
  CheckReport checkSnapshotOf(const std::string& name);
  CheckReport checkReplayed(const std::string& volume, Repair repair);
  void replaceByFresh(const std::string& name);
  void finishChanges(const std::set<std::string>& inUse, std::vector<std::string>& sentences);
  // lvm_views.cpp: what is mounted of snapshots, to be read
  void closeViews(const std::set<std::string>& inUse, std::vector<std::string>& sentences);

  std::string name_;
  std::string group_;
  const Paths& paths_;
  Runner& runner_;
  Lvm lvm_;
  Millis keeps_;
  mutable std::mutex mutex_;  // of the table
  mutable std::optional<Table> table_;
  mutable Deadline goodUntil_;
  mutable std::mutex looking_;  // of what keepRoom has seen
  std::vector<std::string> troubles_;
  mutable std::optional<VolumeGroup> groupSeen_;
  mutable Deadline seenAt_;
  struct Trim {
    Deadline seen;
    std::optional<Deadline> last;
    Bytes at;  // how far the present one has come
  };
  std::map<std::string, Trim> trims_;  // the keeper's alone
  std::mutex opening_;                 // of the open templates
  std::map<std::string, std::weak_ptr<const OpenTree>> open_;
};

inline constexpr const char* kUnfinished = "vs.unfinished";
inline constexpr const char* kDefinitionTag = "vs.d";
inline constexpr const char* kDescriptionTag = "vs.t";

// "PREFIX0.1=..." of a volume.
std::vector<std::string> tagsWithPrefix(const LogicalVolume& volume, const std::string& prefix);
std::vector<std::string> addTags(std::vector<std::string> words,
                                 const std::vector<std::string>& tags);
// In what is known of a volume.
void retag(LogicalVolume& volume, const std::vector<std::string>& without,
           const std::vector<std::string>& with);
Error noSnapshot(const std::string& name, const std::string& snapshot);
std::string sizeWord(Bytes size);
// What a file system for files of `content` is given, with what it needs for itself; whole extents.
Bytes spaceFor(Bytes content);

}  // namespace vs::storage
