// The few files of a context's root file system that vsd writes, because its user asked for what is
// in them: hostname, hosts, resolv.conf, the authorized key, and the machine-id that no two
// contexts may share. Nothing else of the tree is ever touched; what was written is said in the
// operation's notes.
#pragma once

#include <string>
#include <vector>

#include "vsd/context/definition.hpp"

namespace vs {

struct FileToWrite {
  std::string path;  // inside
  std::string content;
  unsigned mode = 0644;
  bool operator==(const FileToWrite&) const = default;
};

enum class MachineId { Keep, Reset };

// What a definition asks for, as files. Pure.
std::vector<FileToWrite> filesFor(const Definition& definition, MachineId machineId);

// Writes them below `tree` (a host path), through no link. Returns a note for each. Throws when a
// file cannot be written; what was written before stays.
std::vector<std::string> personalise(const std::string& tree, const Definition& definition,
                                     MachineId machineId);

}  // namespace vs
