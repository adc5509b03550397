#include "vsd/kernel/externals.hpp"

namespace vs {
namespace {

std::string keyOf(std::string_view path) {
  std::string key = "vsd";
  for (const char c : path) key += c == '/' || c == '_' ? '-' : c;
  return key;
}

ExternalMount mountOf(const std::string& path, ExternalMount::Kind kind, DeviceNode device = {}) {
  return {path, keyOf(path), kind, std::move(device)};
}

}  // namespace

std::vector<ExternalMount> externalMounts(const std::vector<DeviceNode>& devices,
                                          const Covers& covers) {
  std::vector<ExternalMount> mounts;
  for (const DeviceNode& node : devices)
    mounts.push_back(mountOf("/dev/" + node.name, ExternalMount::Kind::Device, node));
  for (const auto* paths : {&covers.emptyFiles, &covers.emptyDirectories})
    for (const std::string& path : *paths)
      mounts.push_back(mountOf(path, ExternalMount::Kind::Nothing));
  mounts.push_back(mountOf("/sys/fs/cgroup", ExternalMount::Kind::Cgroup));
  return mounts;
}

}  // namespace vs
