// The flags that describe a context, for create and set: a table of flags and API fields, and pure
// functions from what was typed to the Wish and Changes objects of io.vsd.varlink.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/json.hpp"

namespace vs::ctl {

class Flags;

// How the text of a flag becomes the value of a field.
enum class Reading {
  Text,
  Size,      // 512M -> bytes
  Duration,  // 30s -> milliseconds
  Cpus,      // 1.5 -> 1500
  Number,
  Restart,    // on-failure -> onFailure
  CommaList,  // a,b and repeated
  Lines,      // repeated, each as it is
  Addresses,  // 10.0.3.17,2001:db8::17 -> a link with these addresses; repeated
  Network,    // vlan3 -> a link in that network; repeated
  Link,       // network=vlan3,mode=macvlan,address=10.0.3.17 -> that link; repeated
  OnOff,      // on -> true
  RuleFile,   // the lines of that file
};

enum class Settable { AtCreation, Always };

struct Field {
  std::string_view flag;   // "--memory"
  std::string_view field;  // "limits.memory"
  Reading reading;
  Settable settable;
  std::string_view type;  // shown in help
  std::string_view help;
};
std::span<const Field> fields();

// What was typed: texts by flag, in order.
using Typed = std::map<std::string, std::vector<std::string>>;

struct WishFlags {
  Typed typed;
  bool autostart = false;
  bool noAutostart = false;
};

enum class For { Create, Set };
void addWishFlags(Flags& flags, WishFlags& wish, For what);

// The fields of a Wish or Changes. `command` are the words after "--". Throws InvalidParameter
// naming the flag whose text cannot be read.
Json fieldsFrom(const WishFlags& flags, const std::vector<std::string>& command);

// Field names for `unset`, from flag names ("memory", "tag"), field names ("limits.memory") or
// both. Throws InvalidParameter listing what can be unset.
std::vector<std::string> unsetFields(const std::vector<std::string>& names);
// The names unsetFields understands.
std::vector<std::string> unsettableNames();

// The lines of a text, without those that are empty at its end.
std::vector<std::string> linesOf(const std::string& text);

// Replaces each file name given to --authorized-key by the keys in that file; a text that begins
// like a key is one.
void readKeyFiles(WishFlags& flags);

// "1.5" -> 1500. Throws InvalidParameter naming `what`.
std::int64_t parseCpus(std::string_view text, std::string_view what);

}  // namespace vs::ctl
