#include "vsctl/help.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

struct Line {
  std::string left;
  std::string right;
};

std::string section(std::string_view title, const std::vector<Line>& lines) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.left.size());
  std::string out = fmt::format("\n{}:\n", title);
  for (const Line& line : lines) out += fmt::format("  {:<{}}  {}\n", line.left, width, line.right);
  return out;
}

Line lineOf(const Verb& verb) {
  std::string name(verb.name);
  if (!verb.alias.empty()) name += fmt::format(" ({})", verb.alias);
  return {name, std::string(verb.summary)};
}

Line lineOf(const FlagInfo& info) {
  std::string left = (info.names.front().starts_with("--") ? "    " : "") + join(info.names, ", ");
  if (!info.type.empty()) left += " " + info.type;
  return {left, info.help};
}

std::string groupedVerbs(std::string_view nameStart) {
  std::string out;
  std::vector<Line> lines;
  const std::vector<Verb>& all = verbs();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name.starts_with(nameStart)) lines.push_back(lineOf(all[i]));
    const bool groupEnds = i + 1 == all.size() || all[i + 1].group != all[i].group;
    if (groupEnds && !lines.empty()) out += section(all[i].group, lines);
    if (groupEnds) lines.clear();
  }
  return out;
}

}  // namespace

std::string overview() {
  return "Usage: vsctl [GLOBAL FLAGS] VERB [CONTEXT...] [FLAGS]\n" + groupedVerbs("") +
         "\nCONTEXT is a name, a pattern ('web*') or a tag (@front); --all means every one.\n"
         "'vsctl VERB --help' shows the flags of a verb, vsctl(8) all of them with examples.\n";
}

std::string nounHelp(const std::string& noun) {
  return fmt::format("Usage: vsctl {} VERB [FLAGS]\n", noun) + groupedVerbs(noun + " ");
}

std::string verbHelp(const Verb& verb, const Flags& flags) {
  std::vector<Line> own;
  std::vector<Line> global;
  for (const FlagInfo& info : flags.all()) (info.isGlobal ? global : own).push_back(lineOf(info));
  std::string out = fmt::format("Usage: vsctl {}{}{} [FLAGS]\n\n{}.\n", verb.name,
                                verb.synopsis.empty() ? "" : " ", verb.synopsis, verb.summary);
  return out + section("Flags", own) + section("Global flags", global);
}

}  // namespace vs::ctl
