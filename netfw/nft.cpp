#include "netfw/nft.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

Command nft(std::vector<std::string> words) {
  Command command;
  command.argv = {findProgram("nft", "nftables")};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.deadline = Millis(30'000);
  command.maxOutput = 64U << 20;  // sets with all that is remembered
  return command;
}

LoadedRuleset parse(const std::string& text, const std::string& context) {
  LoadedRuleset loaded;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    for (const nlohmann::json& item : json.at("nftables")) {
      if (const auto chain = item.find("chain"); chain != item.end())
        loaded.rules[chain->at("name").get<std::string>()];
      if (const auto rule = item.find("rule"); rule != item.end())
        ++loaded.rules[rule->at("chain").get<std::string>()];
      if (const auto counter = item.find("counter"); counter != item.end())
        loaded.counters[counter->at("name").get<std::string>()] = {
            counter->at("packets").get<std::uint64_t>(), counter->at("bytes").get<std::uint64_t>()};
    }
  } catch (const nlohmann::json::exception& error) {
    throw failed("cannot read the rules of context '{}' back: {}", context, error.what());
  }
  return loaded;
}

}  // namespace

void load(const Ruleset& ruleset, Runner& runner) {
  Command command = nft({"-f", "-"});
  command.input = ruleset.text;
  runner.mustRun(command, fmt::format("cannot load the rules of context '{}'", ruleset.context));
  if (!isLoaded(ruleset, runner))
    throw failed("the rules of context '{}' are not what was loaded", ruleset.context)
        .withHint("somebody else changes this host's nftables");
}

std::optional<LoadedRuleset> readBack(const std::string& context, Runner& runner) {
  const Command command = nft({"-j", "list", "table", "netdev", tableName(context)});
  const Output output = runner.run(command);
  if (output.status == 0) return parse(output.out, context);
  if (output.err.find("No such file or directory") != std::string::npos) return std::nullopt;
  throw failed("cannot read the rules of context '{}' back: {}", context, output.err);
}

bool isLoaded(const Ruleset& ruleset, Runner& runner) {
  const auto loaded = readBack(ruleset.context, runner);
  return loaded && loaded->rules == ruleset.rules;
}

void unload(const std::string& context, Runner& runner) {
  Command command = nft({"-f", "-"});
  command.input =
      fmt::format("add table netdev {0}\ndelete table netdev {0}\n", tableName(context));
  runner.mustRun(command, fmt::format("cannot remove the rules of context '{}'", context));
}

}  // namespace vs::netfw
