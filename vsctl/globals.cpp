#include "vsctl/globals.hpp"

#include <algorithm>
#include <array>

#include "vsctl/flags.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

struct Flag {
  std::string_view longName;
  char shortName;  // 0: none
  bool takesValue;
};

constexpr std::array<Flag, 14> kFlags{{
    {"--format", 0, true},
    {"--columns", 0, true},
    {"--filter", 0, true},
    {"--sort", 0, true},
    {"--timeout", 0, true},
    {"--socket", 0, true},
    {"--no-header", 0, false},
    {"--quiet", 'q', false},
    {"--verbose", 'v', false},
    {"--dry-run", 'n', false},
    {"--yes", 'y', false},
    {"--async", 0, false},
    {"--help", 'h', false},
    {"--version", 0, false},
}};

Error unknownFlag(const std::string& word) {
  return invalid("'{}' before the verb is no global flag", word)
      .withHint("flags of a verb come after it: vsctl VERB ... FLAGS; 'vsctl --help' lists verbs");
}

const Flag& findLong(const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  const auto found =
      std::ranges::find_if(kFlags, [&](const Flag& flag) { return flag.longName == name; });
  if (found == kFlags.end()) throw unknownFlag(word);
  return *found;
}

// "-qn" -> --quiet --dry-run
void appendShorts(const std::string& word, std::vector<std::string>& out) {
  for (const char letter : word.substr(1)) {
    const auto found =
        std::ranges::find_if(kFlags, [&](const Flag& flag) { return flag.shortName == letter; });
    if (found == kFlags.end()) throw unknownFlag(word);
    out.emplace_back(found->longName);
  }
}

}  // namespace

Format Globals::formatKind() const {
  const auto found = std::ranges::find(kFormatNames, format);
  if (found == std::end(kFormatNames))
    throw invalid("format '{}' is unknown", format)
        .withHint("use table, wide, json, csv, yaml or name");
  return static_cast<Format>(found - std::begin(kFormatNames));
}

std::optional<Millis> Globals::waitLimit() const {
  if (timeout.empty()) return std::nullopt;
  return parseDuration(timeout, "--timeout");
}

void addGlobals(Flags& flags, Globals& globals) {
  flags.beginGlobals();
  flags.text("--format", globals.format, "FORMAT", "table, wide, json, csv, yaml or name");
  flags.list("--columns", globals.columns, Flags::Split::AtCommas, "NAME,...", "columns to show");
  flags.list("--filter", globals.filters, Flags::Split::Never, "KEY=PATTERN",
             "only what matches; KEY!=PATTERN: what does not");
  flags.text("--sort", globals.sort, "[-]COLUMN", "sort by a column, with - downwards");
  flags.toggle("--no-header", globals.noHeader, "leave out the heading");
  flags.toggle("-q,--quiet", globals.quiet, "print results and errors only");
  flags.toggle("-v,--verbose", globals.verbose, "print every step");
  // log has tail's -n of its own.
  flags.toggle(flags.has("-n") ? "--dry-run" : "-n,--dry-run", globals.dryRun,
               "print what would be done, change nothing");
  flags.toggle("-y,--yes", globals.yes, "answer every question with yes");
  flags.toggle("--async", globals.async, "print the operation's id and do not wait");
  flags.text("--timeout", globals.timeout, "TIME", "wait at most so long (30s, 5m)");
  flags.text("--socket", globals.socket, "PATH", "the daemon's socket");
}

CommandLine splitCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  auto word = arguments.begin();
  for (; word != arguments.end() && word->size() > 1 && word->front() == '-'; ++word) {
    if (!word->starts_with("--")) {
      appendShorts(*word, line.globals);
      continue;
    }
    const bool needsNext = findLong(*word).takesValue && word->find('=') == std::string::npos;
    line.globals.push_back(*word);
    if (!needsNext) continue;
    if (++word == arguments.end()) throw invalid("{} needs a value", line.globals.back());
    line.globals.push_back(*word);
  }
  line.words.assign(word, arguments.end());
  return line;
}

}  // namespace vs::ctl
