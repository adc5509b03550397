// Puts a context's mount tree together, from outside: the mount namespace it is built in belongs to
// the host, and the context's init later takes a copy of it with its own user namespace. Every
// mount below the root is then locked for the context (mount_namespaces(7)): it can neither take
// away a cover nor make a read-only entry writable, whatever capabilities its root has. Device
// nodes come later, in that copy (init_process.cpp): locked ones would hide from criu what lies on
// /dev itself, and who takes one away finds an empty file.
//
// Everything goes by descriptor. The root file system is foreign ground: `dev`, `proc`, `sys` and
// `run` must be plain directories of it (DR7), and nothing of it is ever used as the source of a
// mount.
#pragma once

#include <array>

#include "vsd/base/fd.hpp"
#include "vsd/guest/filesystems.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

using FilesystemMounts = std::array<Fd, static_cast<std::size_t>(Filesystem::Count_)>;

// A mount of the host's own node, never of one in the root file system (DR7).
Fd hostDevice(const DeviceNode& node);
// Made by the host's root, so that nobody in the context owns it.
Fd emptyDirectory();

class RootBuilder {
 public:
  // `directory`: the root file system as the host sees it. `mount`: a detached mount of it with the
  // context's ids. The caller is in a private mount namespace of its own.
  RootBuilder(int directory, Fd mount);

  // Where it stands, for the report of a failure.
  BootStage stage() const { return stage_; }

  // Attaches the root and everything below it. Throws on anything unexpected.
  void build(const BootPlan& plan, const FilesystemMounts& filesystems);
  // Makes it the root of this mount namespace, for every process in it, and lets go of the host's.
  void enter();

 private:
  Fd mountPoint(const char* name);
  void buildDev(const FilesystemMounts& filesystems);
  void cover(const Covers& covers);
  void coverWithNothing(const std::string& path);
  void coverReadOnly(const std::string& path);
  Fd existing(const std::string& path) const;

  int directory_;
  Fd mount_;
  Fd emptyDirectory_;
  BootStage stage_ = BootStage::Root;
};

}  // namespace vs::guest
