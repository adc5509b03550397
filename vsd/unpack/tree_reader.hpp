// What packing and measuring ask of a foreign tree, always through descriptors, no link followed.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/unpack/entry.hpp"

namespace vs::unpack {

// Sorted, without "." and "..". `path` is for messages, here and below.
std::vector<std::string> namesIn(int directory, const std::string& path);
struct stat statusOf(int directory, const std::string& name, const std::string& path);
// For reading; `flags` are added.
Fd openIn(int directory, const std::string& name, int flags, const std::string& path);
// "socket", "device node": what has no place in an archive; empty for what has.
std::string_view unwantedKind(mode_t mode);

std::vector<Attribute> attributesOf(int fd, const std::string& path);

// A part of a file that holds data; what lies between them, up to the file's size, are holes.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
std::vector<Extent> dataOf(int fd, const struct stat& status);

}  // namespace vs::unpack
