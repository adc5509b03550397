#include "netfw/nft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

// What stands between the quotes of: device "vs0-web1", or devices = { "vs0-web1", ... }.
std::vector<std::string> quotedIn(std::string_view line) {
  std::vector<std::string> found;
  for (std::size_t at = line.find('"'); at != std::string_view::npos; at = line.find('"', at + 1)) {
    const std::size_t end = line.find('"', at + 1);
    if (end == std::string_view::npos) break;
    found.emplace_back(line.substr(at + 1, end - at - 1));
    at = end;
  }
  return found;
}

// nft's own form, which is one rule a line. Its JSON does not name the devices of a hook before
// version 1.1, and has no way to leave the sets' elements away.
LoadedRuleset parse(const std::string& text, const std::string& context) {
  LoadedRuleset loaded;
  std::istringstream lines(text);
  std::string line;
  std::string kind;  // of the block that we are in
  std::string name;
  while (std::getline(lines, line)) {
    line.erase(0, std::min(line.find_first_not_of('\t'), line.size()));
    if (line.starts_with("table ") || line.empty()) continue;
    if (line == "}") {
      kind.clear();
    } else if (kind.empty()) {
      std::istringstream(line) >> kind >> name;
      if (kind == "chain") loaded.rules[name];
      if (kind == "set") loaded.sets.push_back(name);
    } else if (kind == "chain" && line.starts_with("type ")) {
      for (const std::string& device : quotedIn(line)) loaded.hooks[name].push_back(device);
    } else if (kind == "chain") {
      ++loaded.rules[name];
    } else if (kind == "counter") {
      std::string word;
      Count count;
      if (std::istringstream(line) >> word >> count.packets >> word >> count.bytes)
        loaded.counters[name] = count;
    }
  }
  if (loaded.rules.empty()) throw failed("cannot read the rules of context '{}' back", context);
  return loaded;
}

// One transaction that makes way for the table, and makes it.
void loadAfter(const std::string& way, const Ruleset& ruleset, Runner& runner) {
  Command command = nft({"-f", "-"});
  command.input = way + ruleset.text;
  runner.mustRun(command, fmt::format("cannot load the rules of context '{}'", ruleset.context));
  if (!isLoaded(ruleset, runner))
    throw failed("the rules of context '{}' are not what was loaded", ruleset.context)
        .withHint("somebody else changes this host's nftables");
}

}  // namespace

Command nft(std::vector<std::string> words) {
  Command command;
  command.argv = {findProgram("nft", "nftables")};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.deadline = Millis(30'000);
  return command;
}

std::string withoutTable(std::string_view table) {
  return fmt::format("add table {0}\ndelete table {0}\n", table);
}

void load(const Ruleset& ruleset, Runner& runner) {
  loadAfter(withoutTable("netdev " + tableName(ruleset.context)), ruleset, runner);
}

void change(const Ruleset& ruleset, Runner& runner) {
  const auto before = readBack(ruleset.context, runner);
  if (!before) return load(ruleset, runner);
  const std::string table = tableName(ruleset.context);
  std::string way = fmt::format("flush table netdev {}\n", table);
  const auto remove = [&](const char* kind, const std::string& name) {
    way += fmt::format("delete {} netdev {} {}\n", kind, table, name);
  };
  for (const auto& [chain, rules] : before->rules) remove("chain", chain);
  for (const auto& [counter, count] : before->counters) remove("counter", counter);
  for (const std::string& set : before->sets)
    if (!isMemory(set)) remove("set", set);
  loadAfter(way, ruleset, runner);
}

std::optional<LoadedRuleset> readBack(const std::string& context, Runner& runner) {
  const Command command = nft({"--terse", "list", "table", "netdev", tableName(context)});
  const Output output = runner.run(command);
  if (output.status == 0) return parse(output.out, context);
  if (output.err.find("No such file or directory") != std::string::npos) return std::nullopt;
  throw failed("cannot read the rules of context '{}' back: {}", context, output.err);
}

bool isLoaded(const Ruleset& ruleset, Runner& runner) {
  const auto loaded = readBack(ruleset.context, runner);
  return loaded && loaded->counters.contains(ruleset.mark) && loaded->rules == ruleset.rules &&
         loaded->hooks == ruleset.hooks;
}

void unload(const std::string& context, Runner& runner) {
  Command command = nft({"-f", "-"});
  command.input = withoutTable("netdev " + tableName(context));
  runner.mustRun(command, fmt::format("cannot remove the rules of context '{}'", context));
}

}  // namespace vs::netfw
