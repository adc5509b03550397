// Tier `shared`: a volume group on a LUN that several hosts see, with one writer for each volume,
// seen to by the storage itself (lvmlockd and sanlock: leases on the LUN). Beside the volumes of
// lvm_engine.hpp there is, for each context,
//
//   vp-NAME          a small thin pool of its own: its snapshots live in it and go with it from
//                    host to host, and its lease is the context's lock
//   ve-NAME.EPOCH    what a host works on that takes over, until its commit
//
// Templates are linear and read-only: the context's volume has its template as external origin, on
// any number of hosts at once. The owner is recorded by tags of the pool, "vs.host" and "vs.epoch",
// and written only under its lock; volumes of other hosts are seen (ownerOf), never touched.
//
// A volume that is not attached holds no lock, once putDown has been called for it.
#pragma once

#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {

class SharedEngine : public LvmEngine {
 public:
  // `host` is this host's name among those that share the group.
  SharedEngine(std::string name, std::string group, std::string host, const Paths& paths,
               Runner& runner);

  Capabilities capabilities() const override;
  Space space() const override;
  std::vector<Finding> findings(const std::string& programDirectory) const override;
  std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) override;

  std::string beginTemplate(const std::string& name, std::optional<Bytes> content) override;
  // Throws Busy as long as a context of any host was made from it.
  void removeTemplate(const std::string& name) override;

  void createFromTemplate(const CreateRequest& request, const Progress& progress) override;
  void createEmpty(const CreateRequest& request) override;
  void clone(const std::string& from, const CreateRequest& request,
             const Progress& progress) override;
  void rename(const std::string& from, const std::string& to) override;
  void saveDefinition(const std::string& name, const std::string& definition) override;
  void destroy(const std::string& name) override;

  std::string attach(const std::string& name) override;
  void restoreSnapshot(const std::string& name, const std::string& snapshot) override;

  std::optional<Owner> ownerOf(const std::string& name) const override;
  void takeOwnership(const std::string& name) override;
  void release(const std::string& name) override;
  void takeBack(const std::string& name) override;
  bool isReleased(const std::string& name) const override;
  std::string takeOver(const std::string& name, std::uint64_t epoch) override;
  void commitTakeOver(const std::string& name, std::uint64_t epoch) override;
  void finishTakeOver(const std::string& name) override;
  void giveUpTakeOver(const std::string& name, std::uint64_t epoch) override;

 protected:
  bool isHere(const Table& table, const LogicalVolume& volume) const override;
  void putDown(const std::string& volume) override;
  void bringUp(const std::string& name) override;
  std::vector<std::string> seal(const std::string& volume) override;

 private:
  // The record, as the pool (or a template) tells it.
  std::optional<Owner> ownerOf(const Table& table, const LogicalVolume& volume) const;
  std::string poolOf(const Table& table, const std::string& name) const;
  std::string contextIn(const Table& table, const std::string& pool) const;
  Owner mustOwn(const std::string& name) const;  // throws NotFound, or Busy naming the owner
  Error ownedBy(const std::string& name, const Owner& owner) const;
  // Takes the lock of a volume's pool, and has the volume there. Throws Busy, naming the owner.
  void activate(const std::string& name, const std::string& volume);
  void lock(const std::string& name);
  void letGo(const std::string& name);  // everything in its pool, and so the lock
  void deactivate(const std::vector<std::string>& volumes);
  // A pool of this host's for a volume that is to be made, and that volume above its template.
  void makePool(const std::string& name, Bytes size);
  void makeVolume(const std::string& name, const std::string& origin, Bytes originSize,
                  const std::string& definition);
  void mustBeNew(const std::string& name) const;
  Bytes templateSpace(const std::string& name, std::optional<Bytes> content) const;
  // The template that an active volume lies above, if it does.
  std::optional<std::string> originBelow(const std::string& volume) const;
  void copyFrom(const std::string& from, const CreateRequest& request, const Progress& progress);
  void writeOwner(const std::string& name, const Owner& owner);
  std::vector<std::string> inPool(const Table& table, const std::string& pool) const;
  bool isCopied(const Table& known, const std::string& pool,
                const std::set<std::string>& inUse) const;
  void settle(const Table& known, const std::string& pool, const std::string& name,
              std::vector<std::string>& removed, std::vector<std::string>& idle);
  void settleForeign(const Table& known, const std::string& pool, const std::string& name,
                     std::vector<std::string>& removed, std::vector<std::string>& idle);
  // Under the lock: what hand-overs that were cut off have left of a volume that nobody uses.
  void settleEpochs(const std::string& name, std::vector<std::string>& sentences);

  std::string host_;
};

// The names that this tier adds.
std::string poolVolume(const std::string& name);
std::string epochVolume(const std::string& name, std::uint64_t epoch);

}  // namespace vs::storage
