// What vsd's volumes are called in a volume group (lvm_engine.hpp says which there are), and how
// LVM calls their devices.
#pragma once

#include <string>

namespace vs::storage {

std::string templateVolume(const std::string& name);
std::string contextVolume(const std::string& name);
std::string snapshotVolume(const std::string& name, const std::string& snapshot);
std::string freshVolume(const std::string& name);  // what it becomes, or what a copy is made from
std::string oldVolume(const std::string& name);    // what it was
std::string momentVolume(const std::string& name);
// The context whose snapshot (of either kind) it is; empty for what is none.
std::string contextOfSnapshot(const std::string& volume);
bool isContext(const std::string& volume);      // of one, not a snapshot
bool isTemplate(const std::string& volume);     // finished or not
std::string nameIn(const std::string& volume);  // "web" of "vc-web", "vt-web", "vn-web"
bool hasOurForm(const std::string& volume);     // any of them

// As LVM names devices: "GROUP-VOLUME", each hyphen inside doubled.
std::string deviceName(const std::string& group, const std::string& volume);
// Whether a device that begins with deviceName(group, "") is one of the group: another group may be
// called "GROUP-more".
bool isDeviceOf(const std::string& group, const std::string& device);
std::string volumeOfDevice(const std::string& group, const std::string& device);

}  // namespace vs::storage
