#include "vsd/storage/lvm_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace vs::storage {
namespace {

constexpr std::string_view kTemplate = "vt-";
constexpr std::string_view kContext = "vc-";
constexpr std::string_view kFresh = "vn-";
constexpr std::string_view kOld = "vo-";
constexpr std::string_view kMoment = "vd-";

}  // namespace

std::string templateVolume(const std::string& name) { return std::string(kTemplate) + name; }
std::string contextVolume(const std::string& name) { return std::string(kContext) + name; }
std::string snapshotVolume(const std::string& name, const std::string& snapshot) {
  return fmt::format("{}{}.{}", kContext, name, snapshot);
}
std::string freshVolume(const std::string& name) { return std::string(kFresh) + name; }
std::string oldVolume(const std::string& name) { return std::string(kOld) + name; }
std::string momentVolume(const std::string& name) { return std::string(kMoment) + name; }
std::string contextOfSnapshot(const std::string& volume) {
  if (volume.starts_with(kMoment)) return nameIn(volume);
  const std::size_t dot = volume.find('.');
  if (!volume.starts_with(kContext) || dot == std::string::npos) return {};
  return nameIn(volume.substr(0, dot));
}
bool isContext(const std::string& volume) {
  return volume.starts_with(kContext) && volume.find('.') == std::string::npos;
}
bool isTemplate(const std::string& volume) { return volume.starts_with(kTemplate); }
bool hasOurForm(const std::string& volume) {
  constexpr std::string_view kKinds = "tcdnopse";
  return volume.size() > 3 && volume[0] == 'v' &&
         kKinds.find(volume[1]) != std::string_view::npos && volume[2] == '-';
}
std::string nameIn(const std::string& volume) {
  return volume.substr(std::min(kContext.size(), volume.size()));
}

std::string deviceName(const std::string& group, const std::string& volume) {
  std::string name;
  const auto add = [&name](const std::string& part) {
    for (const char c : part) name += c == '-' ? "--" : std::string(1, c);
  };
  add(group);
  name += '-';
  add(volume);
  return name;
}

// No volume's name begins with a hyphen (lvm(8), VALID NAMES).
bool isDeviceOf(const std::string& group, const std::string& device) {
  const std::string prefix = deviceName(group, "");
  return device.starts_with(prefix) && device.size() > prefix.size() &&
         device[prefix.size()] != '-';
}

std::string volumeOfDevice(const std::string& group, const std::string& device) {
  const std::string escaped = device.substr(deviceName(group, "").size());
  std::string name;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    name += escaped[i];
    if (escaped[i] == '-' && i + 1 < escaped.size() && escaped[i + 1] == '-') ++i;
  }
  return name;
}

}  // namespace vs::storage
