// Tier `thin`: a local volume group with one thin pool. In it, each with tags that say so:
//
//   vs-pool          the thin pool of this storage
//   vt-NAME          a template: a thin volume, read-only once it is finished
//   vc-NAME          a context's volume: a thin snapshot of its template
//   vc-NAME.POINT    a snapshot of it; "vs.at=..." says of when
//   vn-NAME, vo-NAME what a volume becomes and was, while it goes back to a snapshot
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
#include "vsd/storage/engine.hpp"
#include "vsd/storage/lvm.hpp"

namespace vs::storage {

inline constexpr const char* kPoolName = "vs-pool";
inline constexpr Bytes kThinDefaultSize = 8_GiB;  // of a template's file system, and so a context's

class ThinEngine : public Engine {
 public:
  // Reads nothing yet: a group that is missing is told by the first call that needs it. From then
  // on the engine keeps in mind what is there, for each question to lvm takes long; list(), space()
  // and removeLeftovers() look anew.
  ThinEngine(std::string name, std::string group, const Paths& paths, Runner& runner);

  const std::string& name() const override { return name_; }
  Capabilities capabilities() const override;
  Space space() const override;
  std::vector<Volume> list() const override;
  bool hasVolume(const std::string& name) const override;
  std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) override;

  std::string beginTemplate(const std::string& name) override;
  void finishTemplate(const std::string& name, const std::string& description) override;
  void abandonTemplate(const std::string& name) override;
  std::vector<std::string> listTemplates() const override;
  std::string templateDescription(const std::string& name) const override;
  std::shared_ptr<const OpenTree> openTemplate(const std::string& name) override;
  void removeTemplate(const std::string& name) override;

  void createFromTemplate(const CreateRequest& request, const Progress& progress) override;
  void clone(const std::string& from, const CreateRequest& request,
             const Progress& progress) override;
  void rename(const std::string& from, const std::string& to) override;
  void saveDefinition(const std::string& name, const std::string& definition) override;
  void destroy(const std::string& name) override;
  std::optional<Bytes> sizeOf(const std::string& name) const override;
  void grow(const std::string& name, Bytes size) override;

  std::string attach(const std::string& name) override;
  void detach(const std::string& name) override;
  void fence(const std::string& name) override;

  void createSnapshot(const std::string& name, const std::string& snapshot) override;
  void removeSnapshot(const std::string& name, const std::string& snapshot) override;
  void restoreSnapshot(const std::string& name, const std::string& snapshot) override;
  std::vector<Snapshot> listSnapshots(const std::string& name) const override;

  void release(const std::string& name) override;
  void takeBack(const std::string& name) override;
  std::string takeOver(const std::string& name, std::uint64_t epoch) override;
  void commitTakeOver(const std::string& name, std::uint64_t epoch) override;
  void giveUpTakeOver(const std::string& name, std::uint64_t epoch) override;

 private:
  using Table = std::map<std::string, LogicalVolume>;

  // What the last report said, and what we changed since.
  Table table() const;
  std::optional<LogicalVolume> find(const std::string& volume) const;
  LogicalVolume get(const std::string& volume, const Error& absent) const;
  // One call of lvm. `note` brings what is known up to date, so that nobody need ask lvm again. The
  // file system mounted at `heldStill` is held still meanwhile, no longer.
  using Note = std::function<void(Table& table)>;
  void change(const std::string& intent, std::vector<std::string> words, const Note& note,
              const std::string& heldStill = {});
  void forgetTable() const;

  std::string path(const std::string& volume) const;   // "GROUP/VOLUME", as lvm wants it
  std::string device(const std::string& volume);       // "/dev/dm-7"; activated if need be
  std::string poolDevice() const;                      // of device-mapper, when it is active
  std::string upper(const std::string& volume) const;  // our device above it
  std::string mountPoint(const std::string& volume) const;
  std::string mount(const std::string& volume, bool writable);
  void renameVolume(const std::string& from, const std::string& to);
  void thawAll(const std::set<std::string>& inUse);
  void finishRestores(const std::set<std::string>& inUse, std::vector<std::string>& sentences);
  void unmountVolume(const std::string& volume);
  void snapshotOf(const std::string& origin, const std::string& volume,
                  const std::vector<std::string>& tags);
  void remove(const std::vector<std::string>& volumes, const std::string& intent);

  std::string name_;
  std::string group_;
  const Paths& paths_;
  Runner& runner_;
  Lvm lvm_;
  mutable std::mutex mutex_;  // of the table
  mutable std::optional<Table> table_;
  std::mutex opening_;  // of the open templates
  std::map<std::string, std::weak_ptr<const OpenTree>> open_;
};

}  // namespace vs::storage
