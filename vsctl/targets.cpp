#include "vsctl/targets.hpp"

#include <algorithm>

#include "vsctl/flags.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

bool isPattern(const std::string& word) { return word.starts_with('@') || isGlob(word); }

bool isMeant(const std::string& word, const Json& context) {
  const Json& definition = context.at("definition");
  if (!word.starts_with('@')) return matchesGlob(word, definition.value("name", ""));
  for (const Json& tag : definition.value("tags", Json::array()))
    if (tag == word.substr(1)) return true;
  return false;
}

bool isIn(std::span<const std::string_view> states, const Json& context) {
  return states.empty() || std::ranges::find(states, context.value("state", "")) != states.end();
}

void addOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

void addTargets(Flags& flags, Targets& targets, AllFlag allFlag) {
  flags.operands("CONTEXT", targets.words, Flags::Need::Optional);
  if (allFlag == AllFlag::Yes) flags.toggle("--all", targets.all, "every context");
}

void addParallel(Flags& flags, Targets& targets, unsigned standard) {
  targets.parallelText = std::to_string(standard);
  flags.text("--parallel", targets.parallelText, "N",
             fmt::format("how many at a time ({})", standard));
}

unsigned Targets::parallel() const {
  return static_cast<unsigned>(parseWhole(parallelText, "--parallel", 1, 64));
}

bool areAllNames(const Targets& targets) {
  return !targets.all && std::ranges::none_of(targets.words, isPattern);
}

std::vector<std::string> chooseNames(const Targets& targets, const Json& contexts,
                                     std::span<const std::string_view> states) {
  if (targets.words.empty() && !targets.all)
    throw invalid("which context is meant?").withHint("name it, or give --all for every one");
  if (!targets.words.empty() && targets.all)
    throw invalid("--all together with '{}' is ambiguous", targets.words.front())
        .withHint("give names or --all");
  const std::vector<std::string> words =
      targets.all ? std::vector<std::string>{"*"} : targets.words;
  std::vector<std::string> names;
  for (const std::string& word : words) {
    if (!isPattern(word)) {
      addOnce(names, word);
      continue;
    }
    bool found = targets.all;
    for (const Json& context : contexts) {
      if (!isMeant(word, context)) continue;
      found = true;
      if (isIn(states, context)) addOnce(names, context.at("definition").value("name", ""));
    }
    if (!found)
      throw Error(Kind::NotFound, fmt::format("no context matches '{}'", word))
          .withHint("'vsctl list' shows all contexts and their tags");
  }
  return names;
}

std::vector<std::string> resolve(Session& session, const Targets& targets,
                                 std::span<const std::string_view> states) {
  const bool needsList = targets.words.empty() ? targets.all : !areAllNames(targets);
  const Json contexts =
      needsList ? session.call("List").value("contexts", Json::array()) : Json::array();
  return chooseNames(targets, contexts, states);
}

}  // namespace vs::ctl
