// Loads a context's ruleset, reads it back and removes it: `nft -f -`, one transaction each,
// through a Runner. Of the table all or nothing is there, and a start or a change leaves no gap.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfw/ruleset.hpp"
#include "vsd/base/runner.hpp"

namespace vs::netfw {

struct Count {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Count&) const = default;
};

// What the kernel has of a context's table.
struct LoadedRuleset {
  std::map<std::string, int> rules;                       // in each chain
  std::map<std::string, std::vector<std::string>> hooks;  // the devices of a chain, as of Ruleset
  std::map<std::string, Count> counters;
  std::vector<std::string> sets;
};

// nft(8) with these words, bounded in time.
Command nft(std::vector<std::string> words);
// Its words by which there is no such table afterwards ("FAMILY NAME"), whether there was or not.
std::string withoutTable(std::string_view table);

// Replaces the context's table, reads it back and compares. What was under way has to be allowed
// anew by its next packet.
void load(const Ruleset& ruleset, Runner& runner);
// The same of a context that runs: what was allowed before goes on to its end.
void change(const Ruleset& ruleset, Runner& runner);
// nullopt: there is no such table.
std::optional<LoadedRuleset> readBack(const std::string& context, Runner& runner);
// True when it is what was loaded last and nothing is missing: for reconcile, after somebody
// flushed the host's rules, or after a link was made anew (a hook goes with its device, and the
// table stays).
bool isLoaded(const Ruleset& ruleset, Runner& runner);
// Removes the context's table; none is success.
void unload(const std::string& context, Runner& runner);

}  // namespace vs::netfw
