// What is known of a finished template (type Template of io.vsd.varlink, and the content of its
// template.json), and the look at an imported tree that finds which init it has.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vsd/base/root_fs.hpp"
#include "vsd/base/units.hpp"
#include "vsd/context/definition.hpp"
#include "vsd/context/template_definition.hpp"

namespace vs {

struct Template {
  std::string name;
  std::string description;
  std::string distribution;
  std::string release;
  std::string architecture;
  Init init = Init::Systemd;
  std::vector<std::string> command;
  std::string created;                // RFC 3339
  Bytes size;                         // of its tree
  std::string source;                 // mirror, or what the importer said
  std::string checksum;               // sha256 of the archive it came from; may be empty
  std::vector<std::string> packages;  // as asked for, without what they need
  std::vector<std::string> changes;   // what vsd changed in the tree, one sentence each
};

nlohmann::json toJson(const Template& description);
// Of a template.json; throws InvalidParameter naming the field on anything unexpected.
Template templateFrom(const nlohmann::json& json);

// /sbin/init, links followed inside the tree: systemd, another init (sysv), or none.
std::optional<Init> detectInit(const RootFs& tree);
// ID and VERSION_CODENAME (or VERSION_ID) of the tree's os-release(5); "unknown" where it is
// silent.
struct SystemIdentity {
  std::string distribution;
  std::string release;
};
SystemIdentity identify(const RootFs& tree);
// The Debian name of this machine's architecture ("amd64"), which a built tree has.
std::string hostArchitecture();

// Adds the directories that every context needs to have something mounted on (/dev, /proc, /sys,
// /run and /tmp), where the tree has none. Returns a sentence for each; throws InvalidParameter
// when one is there and is no plain directory (security rule DR7).
std::vector<std::string> addMountPoints(const RootFs& tree);

// What is done to a built tree: takes the files in `clean` out, empties /etc/machine-id, adds the
// mount points; no link is followed. Returns a sentence for each change made.
std::vector<std::string> cleanTree(const RootFs& tree, const std::vector<std::string>& clean);

}  // namespace vs
