// Which contexts a verb works on: names, globs, @tags or all of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsctl/session.hpp"
#include "vsd/base/json.hpp"

namespace vs::ctl {

class Flags;

struct Targets {
  std::vector<std::string> words;
  bool all = false;
  std::string parallelText = "1";

  unsigned parallel() const;
};

enum class AllFlag { No, Yes };
// Declares CONTEXT... and --all on a verb's parser.
void addTargets(Flags& flags, Targets& targets, AllFlag allFlag = AllFlag::Yes);
// Declares --parallel.
void addParallel(Flags& flags, Targets& targets, unsigned standard);

// True when every word is a plain name, so that the list of contexts is not needed.
bool areAllNames(const Targets& targets);

// The names meant by the words, in the order of the words and of `contexts`, each once. Plain names
// are taken as they are. Patterns, tags and --all take only contexts in one of `states` (empty:
// any). Throws NotFound for a pattern or tag that no context has, InvalidParameter when nothing is
// wished.
std::vector<std::string> chooseNames(const Targets& targets, const Json& contexts,
                                     std::span<const std::string_view> states);

// The same, asking the daemon for the contexts when that is needed.
std::vector<std::string> resolve(Session& session, const Targets& targets,
                                 std::span<const std::string_view> states = {});

}  // namespace vs::ctl
