// What differs between the file systems that volumes may have. Callers go through block_fs.hpp,
// which finds out what a device or a directory holds.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "vsd/base/runner.hpp"
#include "vsd/base/units.hpp"
#include "vsd/storage/block_fs.hpp"

namespace vs::storage {

class FsType {
 public:
  virtual ~FsType() = default;

  virtual const char* name() const = 0;  // as mount(2) and mkfs(8) want it
  virtual Bytes smallest() const = 0;    // of a device
  virtual void make(Runner& runner, const std::string& device, Content content) const = 0;
  virtual const char* mountOptions(Access access) const = 0;
  // Mends what can be mended by itself, on a device that is about to be mounted.
  virtual void prepareMount(Runner& runner, const std::string& device) const = 0;
  // Whether check() wants the journal replayed first, by a mount.
  virtual bool isCheckedReplayed() const = 0;
  virtual CheckReport check(Runner& runner, const std::string& device, Repair repair) const = 0;
  // What a user is told who finds it damaged beyond prepareMount and check.
  virtual std::string remedy(const std::string& device) const = 0;
  // nullopt: this type cannot shrink.
  virtual std::optional<Bytes> shrink(Runner& runner, const std::string& device,
                                      std::optional<Bytes> size) const = 0;
  virtual void grow(Runner& runner, const std::string& device,
                    const std::string& directory) const = 0;
  // limitRoom of block_fs.hpp, of the mounted file system that `root` is the top of.
  virtual bool limitRoom(int root, dev_t device, Bytes room) const = 0;
  // Whether one that is mounted from `device` has seen errors.
  virtual bool hasSeenErrors(const std::string& directory, dev_t device) const = 0;
};

const FsType& ext4();
const FsType& xfs();
// By what the first blocks of a device say; nullptr for anything else.
const FsType* typeOn(const std::string& device);

}  // namespace vs::storage
