#include "vsd/ops/personalise.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/root_fs.hpp"

namespace vs {
namespace {

std::string hostsFile(const Definition& definition) {
  std::string text =
      "127.0.0.1 localhost\n"
      "::1 localhost ip6-localhost ip6-loopback\n";
  const std::string names =
      definition.domain.empty()
          ? definition.hostname
          : definition.hostname + "." + definition.domain + " " + definition.hostname;
  const bool hasAddress = !definition.links.empty() && !definition.links[0].addresses.empty();
  text += (hasAddress ? definition.links[0].addresses[0] : "127.0.1.1") + " " + names + "\n";
  for (const std::string& line : definition.hosts) text += line + "\n";
  return text;
}

std::string resolverFile(const Definition& definition) {
  std::string text;
  if (!definition.domain.empty()) text += "search " + definition.domain + "\n";
  for (const std::string& server : definition.dns) text += "nameserver " + server + "\n";
  return text;
}

std::string keysFile(const Definition& definition) {
  std::string text;
  for (const std::string& key : definition.authorizedKeys) text += key + "\n";
  return text;
}

}  // namespace

std::vector<FileToWrite> filesFor(const Definition& definition, MachineId machineId) {
  std::vector<FileToWrite> files{{"/etc/hostname", definition.hostname + "\n"},
                                 {"/etc/hosts", hostsFile(definition)}};
  if (!definition.dns.empty()) files.push_back({"/etc/resolv.conf", resolverFile(definition)});
  if (!definition.authorizedKeys.empty())
    files.push_back({"/root/.ssh/authorized_keys", keysFile(definition), 0600});
  // Empty: systemd makes a new one at its first boot (machine-id(5)).
  if (machineId == MachineId::Reset && definition.init != Init::Command)
    files.push_back({"/etc/machine-id", "", 0444});
  return files;
}

std::vector<std::string> personalise(const std::string& tree, const Definition& definition,
                                     MachineId machineId) {
  const RootFs root(tree);
  std::vector<std::string> notes;
  const bool hasEtc = root.entryAt("/etc") == RootFs::Entry::Directory;
  for (const FileToWrite& file : filesFor(definition, machineId)) {
    if (file.path.starts_with("/etc/") && !hasEtc) {
      notes.push_back(
          fmt::format("did not write {}: the template has no directory /etc", file.path));
      continue;
    }
    if (file.path.starts_with("/root/")) {
      root.makeDirectory("/root", 0700);
      root.makeDirectory("/root/.ssh", 0700);
    }
    root.writeFile(file.path, file.content, file.mode);
    notes.push_back(fmt::format("wrote {}", file.path));
  }
  return notes;
}

}  // namespace vs
