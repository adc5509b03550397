#include "vsd/context/template_info.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <map>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

const Json& member(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end()) throw invalid("the field '{}' is missing", field);
  return *found;
}

std::string textAt(const Json& json, const char* field) {
  const Json& value = member(json, field);
  if (!value.is_string()) throw invalid("the field '{}' is no text", field);
  return value.get<std::string>();
}

std::vector<std::string> textsAt(const Json& json, const char* field) {
  const Json& value = member(json, field);
  if (!value.is_array()) throw invalid("the field '{}' is no list", field);
  std::vector<std::string> texts;
  for (const Json& item : value) {
    if (!item.is_string()) throw invalid("the field '{}' is no list of texts", field);
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Init initAt(const Json& json, const char* field) {
  const std::string word = textAt(json, field);
  for (const Init init : {Init::Systemd, Init::Sysv, Init::Command})
    if (word == nameOf(init)) return init;
  throw invalid("the field '{}' is no init: '{}'", field, printable(word));
}

// Which file a path inside the tree leads to, links followed as the context would see them.
struct FileId {
  dev_t device;
  ino_t inode;
  bool operator==(const FileId&) const = default;
};

std::optional<FileId> programAt(const RootFs& tree, const std::string& path) {
  const Fd fd = openResolved(tree.fd(), path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) < 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

// The lines NAME=value and NAME="value" of os-release(5).
std::map<std::string, std::string> assignmentsIn(const std::string& text) {
  std::map<std::string, std::string> values;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || line[0] == '#') continue;
    std::string value = line.substr(equals + 1);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
      value = value.substr(1, value.size() - 2);
    values[line.substr(0, equals)] = printable(value, 60);
  }
  return values;
}

}  // namespace

nlohmann::json toJson(const Template& description) {
  Json json{{"name", description.name},
            {"description", description.description},
            {"distribution", description.distribution},
            {"release", description.release},
            {"architecture", description.architecture},
            {"init", nameOf(description.init)},
            {"command", description.command},
            {"created", description.created},
            {"size", description.size.value},
            {"source", description.source},
            {"packages", description.packages},
            {"changes", description.changes}};
  if (!description.checksum.empty()) json["checksum"] = description.checksum;
  return json;
}

Template templateFrom(const nlohmann::json& json) {
  if (!json.is_object()) throw invalid("a template's description must be an object");
  Template description;
  description.name = textAt(json, "name");
  description.description = textAt(json, "description");
  description.distribution = textAt(json, "distribution");
  description.release = textAt(json, "release");
  description.architecture = textAt(json, "architecture");
  description.init = initAt(json, "init");
  description.command = textsAt(json, "command");
  description.created = textAt(json, "created");
  const Json& size = member(json, "size");
  if (!size.is_number_unsigned()) throw invalid("the field 'size' is no number of bytes");
  description.size = {size.get<std::uint64_t>()};
  description.source = textAt(json, "source");
  if (json.contains("checksum")) description.checksum = textAt(json, "checksum");
  description.packages = textsAt(json, "packages");
  description.changes = textsAt(json, "changes");
  return description;
}

std::optional<Init> detectInit(const RootFs& tree) {
  const auto init = programAt(tree, "sbin/init");
  if (!init) return std::nullopt;
  for (const char* systemd : {"usr/lib/systemd/systemd", "lib/systemd/systemd"})
    if (programAt(tree, systemd) == init) return Init::Systemd;
  return Init::Sysv;
}

SystemIdentity identify(const RootFs& tree) {
  SystemIdentity identity{"unknown", "unknown"};
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    const auto text = tree.readFile(path, 65536);
    if (!text) continue;
    const auto values = assignmentsIn(*text);
    if (const auto id = values.find("ID"); id != values.end()) identity.distribution = id->second;
    for (const char* name : {"VERSION_CODENAME", "VERSION_ID"}) {
      const auto version = values.find(name);
      if (version == values.end() || version->second.empty()) continue;
      identity.release = version->second;
      break;
    }
    break;
  }
  return identity;
}

std::string hostArchitecture() {
  static const std::map<std::string, std::string> kDebianNames{
      {"x86_64", "amd64"},    {"aarch64", "arm64"}, {"armv7l", "armhf"},   {"i686", "i386"},
      {"ppc64le", "ppc64el"}, {"s390x", "s390x"},   {"riscv64", "riscv64"}};
  utsname name{};
  check(::uname(&name), "ask for the machine's architecture");
  const auto known = kDebianNames.find(name.machine);
  return known == kDebianNames.end() ? name.machine : known->second;
}

std::vector<std::string> addMountPoints(const RootFs& tree) {
  std::vector<std::string> changes;
  for (const char* path : {"/dev", "/proc", "/sys", "/run", "/tmp"}) {
    const RootFs::Entry entry = tree.entryAt(path);
    if (entry == RootFs::Entry::Directory) continue;
    if (entry != RootFs::Entry::None)
      throw invalid("'{}' of the tree is no plain directory, but something is to be mounted there",
                    path);
    tree.makeDirectory(path, 0755);
    changes.push_back(fmt::format("added the empty directory {}", path));
  }
  return changes;
}

std::vector<std::string> cleanTree(const RootFs& tree, const std::vector<std::string>& clean) {
  std::vector<std::string> changes;
  for (const std::string& path : clean) {
    if (tree.entryAt(path) == RootFs::Entry::None) continue;
    tree.removeFile(path);
    changes.push_back(fmt::format("removed {}", path));
  }
  const std::string machineId = "/etc/machine-id";
  if (tree.entryAt(machineId) != RootFs::Entry::None &&
      !tree.readFile(machineId).value_or("").empty()) {
    tree.writeFile(machineId, "", 0444);
    changes.push_back("emptied /etc/machine-id");
  }
  for (std::string& change : addMountPoints(tree)) changes.push_back(std::move(change));
  return changes;
}

}  // namespace vs
