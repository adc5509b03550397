// Tier `dir`: templates and volumes are plain directories below /var/lib/vsd, on any machine and
// any file system. New volumes are copies of a template's tree: reflinks where the file system can,
// else every byte is copied; Capabilities says which. There are no snapshots, no sizes and no fence
// here.
//
//   templates/NAME/{template.json,root/}    volumes/NAME/{volume.json,root/}
//   .new-NAME            being made: becomes NAME by one rename when it is complete and on the disk
//   .gone-NAME.UUID      being removed: was NAME until one rename
//
// So a crash leaves whole things under their names and leftovers under names with a dot, which
// list() does not show and removeLeftovers() takes away. A template or volume that is being copied
// holds a shared flock(2) on its directory: removing or renaming it meanwhile is refused with Busy.
//
// Trees are copied, measured and removed by cp, du and rm of coreutils: a context may have made its
// tree deeper than any path or descriptor table is long, and they go down without either.
#pragma once

#include "vsd/base/paths.hpp"
#include "vsd/base/runner.hpp"
#include "vsd/storage/engine.hpp"

namespace vs::storage {

class DirEngine : public Engine {
 public:
  // Creates templates/ and volumes/, mode 0700, and tries once whether the file system can reflink.
  // `runner` must outlive the engine.
  DirEngine(const Paths& paths, Runner& runner);

  const std::string& name() const override;
  Capabilities capabilities() const override;
  Space space() const override;
  std::vector<Volume> list() const override;
  std::vector<Finding> findings(const std::string& programDirectory) const override;
  bool hasVolume(const std::string& name) const override;
  std::vector<std::string> removeLeftovers(const std::set<std::string>& inUse) override;

  std::string beginTemplate(const std::string& name, std::optional<Bytes> content) override;
  void finishTemplate(const std::string& name, const std::string& description) override;
  void abandonTemplate(const std::string& name) override;
  std::vector<std::string> listTemplates() const override;
  std::string templateDescription(const std::string& name) const override;
  std::shared_ptr<const OpenTree> openTemplate(const std::string& name) override;
  void removeTemplate(const std::string& name) override;

  // Refuses a size (Unsupported): nothing here would hold the volume to it. Checks the free space
  // first; both errors for a lack of it say how much is needed and how much there is.
  void createFromTemplate(const CreateRequest& request, const Progress& progress) override;
  void createEmpty(const CreateRequest& request) override;
  void clone(const std::string& from, const CreateRequest& request,
             const Progress& progress) override;
  void rename(const std::string& from, const std::string& to) override;
  void saveDefinition(const std::string& name, const std::string& definition) override;
  void destroy(const std::string& name) override;
  std::optional<Bytes> sizeOf(const std::string& name) const override;
  void grow(const std::string& name, Bytes size) override;

  // The tree where it lies, with no mount of our own over it: nosuid,nodev on the host side would
  // guard only against users who get past the 0700 directory above it, and device nodes cannot come
  // to be in it (the unpacker skips them, a user namespace cannot make them).
  std::string attach(const std::string& name) override;
  void detach(const std::string& name) override;

  // All of these throw Unsupported on this tier.
  void fence(const std::string& name) override;
  void createSnapshot(const std::string& name, const std::string& snapshot, MadeBy by) override;
  void removeSnapshot(const std::string& name, const std::string& snapshot) override;
  void restoreSnapshot(const std::string& name, const std::string& snapshot) override;
  std::vector<Snapshot> listSnapshots(const std::string& name) const override;  // none
  std::shared_ptr<const OpenTree> openSnapshot(const std::string& name,
                                               const std::string& snapshot) override;

 private:
  struct Source {
    std::string directory;  // holds root/
    Bytes size;             // of its tree, as it will be on the disk
  };

  std::string templateTree(const std::string& name) const;
  // `fill` makes the tree; `content` is what it will take.
  void makeVolume(const CreateRequest& request, Bytes content, const std::function<void()>& fill);
  void needSpace(const std::string& volume, Bytes size) const;
  void copyTree(const Source& source, const CreateRequest& request, const Progress& progress);
  void discard(const std::string& directory, const std::string& parent, const std::string& name);
  void removeNow(const std::string& path);

  Paths paths_;
  Runner& runner_;
  bool reflinks_ = false;
};

}  // namespace vs::storage
