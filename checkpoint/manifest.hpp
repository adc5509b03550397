// What a memory image is made of and where it can be used, kept beside it: `manifest.json`, which
// is written last. A directory without one is no image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/cpu.hpp"
#include "vsd/base/json.hpp"

namespace vs::checkpoint {

inline constexpr const char* kManifest = "manifest.json";

struct ImageFile {
  std::string name;
  std::uint64_t size = 0;  // bytes
  std::string sha256;
  bool operator==(const ImageFile&) const = default;
};

struct Manifest {
  std::string uuid;     // of the context
  std::string created;  // RFC 3339
  std::string kernel;   // of the host it was made on: uname -r
  Cpu cpu;              // of that host
  std::vector<ImageFile> files;
  Json groups;  // its cgroup tree, for who made it
};

Json toJson(const Manifest& manifest);
// Throws InvalidParameter for what is no manifest of this version.
Manifest manifestFrom(const Json& json);

// The images in `directory`, a descriptor: hashed, sorted by name, without what criu writes about
// its work (logs, statistics). Throws Failed for anything but regular files (DR4).
std::vector<ImageFile> scanImages(int directory);
// Makes all of it durable.
void syncImages(int directory, const std::vector<ImageFile>& files);

// Throws Failed, naming the file, when `directory` does not hold exactly what the manifest says.
void verifyImages(int directory, const Manifest& manifest);

}  // namespace vs::checkpoint
