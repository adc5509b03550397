// One entry of an archive as plain values: what the writer of trees needs to know of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace vs::unpack {

enum class EntryType { Directory, File, Link, HardLink, Fifo };

// An extended attribute (xattr(7)).
struct Attribute {
  std::string name;
  std::string value;
  bool operator==(const Attribute&) const = default;
};

struct Entry {
  std::string path;  // as entryPath() gives it
  EntryType type = EntryType::File;
  mode_t mode = 0;  // permissions with set-id and sticky bits
  uid_t uid = 0;    // as inside a context
  gid_t gid = 0;
  timespec modified{};
  std::uint64_t size = 0;             // of a file, holes included
  std::string target;                 // Link: any text · HardLink: as entryPath() gives it
  std::vector<Attribute> attributes;  // only those that attributes.hpp accepts
};

}  // namespace vs::unpack
