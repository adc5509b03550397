// The flags every verb understands, before or after the verb.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/units.hpp"

namespace vs::ctl {

class Flags;

enum class Format { Table, Wide, Json, Csv, Yaml, Name };
inline constexpr std::string_view kFormatNames[] = {"table", "wide", "json", "csv", "yaml", "name"};

struct Globals {
  std::string format = "table";
  std::vector<std::string> columns;  // empty: those of the format
  std::vector<std::string> filters;  // "key=pattern" or "key!=pattern"; all must hold
  std::string sort;                  // "column" or "-column"
  std::string timeout;               // how long vsctl waits; empty: without end
  std::string socket;
  bool noHeader = false;
  bool quiet = false;
  bool verbose = false;
  bool dryRun = false;
  bool yes = false;
  bool async = false;

  Format formatKind() const;
  bool isForPeople() const { return format == "table" || format == "wide"; }
  std::optional<Millis> waitLimit() const;
};

// Declares the flags on a verb's parser, after its own. `-n` is left out where the verb has one.
void addGlobals(Flags& flags, Globals& globals);

// The command line, cut at its verb.
struct CommandLine {
  std::vector<std::string> globals;  // flags before the verb, in their long form
  std::vector<std::string> words;    // the verb and all that follows
};

// Throws InvalidParameter for an unknown flag before the verb.
CommandLine splitCommandLine(const std::vector<std::string>& arguments);

}  // namespace vs::ctl
