// The host's configuration (/etc/vsd/vsd.toml and vsd.toml.d/*.toml, later files win; vsd.toml(5)):
// TOML into plain structs, everything validated at once. The rest of the program never sees TOML.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/base/units.hpp"
#include "vsd/context/definition.hpp"

namespace vs {

// What becomes of those who write to a pool that is full and cannot grow.
enum class WhenFull { Error, Pause };

struct Config {
  // [daemon]
  std::string group = "vsd";  // may use the API socket; root always may
  bool debug = false;
  Bytes consoleLogLimit = 1_MiB;  // per context; twice that with the rotated one
  // [defaults] of new contexts
  std::string defaultTemplate = "debian13";
  std::string defaultStorage = "dir";
  std::vector<std::string> dns;
  std::string domain;
  Millis stopTimeout{60'000};
  Limits limits;
  // [storage]: when pools of volumes grow, by how much, and what stays free (percent)
  int growAt = 70;
  int growBy = 25;
  int growReserve = 5;
  WhenFull whenFull = WhenFull::Error;
  // Of a volume whose context was given no size, where sizes are enforced.
  Bytes defaultSize = 8_GiB;
  // How many times what a storage can hold may be promised to contexts.
  int overcommit = 10;
  // [network]: the trunk of networks that name none
  std::string trunk;
  // How long a start waits for somebody who has one of its addresses already; 0: it does not ask.
  Millis addressProbe{100};
  // [templates]
  std::string mirror;   // instead of a definition's own
  std::string keyring;  // instead of the definition's own
  Bytes maxTemplateSize = 64_GiB;
};

// Reads all files below `directory` (.../etc/vsd); absent files are fine. Throws InvalidParameter
// with every problem of every file as "FILE:LINE:COLUMN: ...".
Config readConfig(const std::string& directory);
// The same for texts given as {file name, content}.
struct ConfigText {
  std::string file;
  std::string text;
};
Config parseConfig(const std::vector<ConfigText>& texts);

}  // namespace vs
