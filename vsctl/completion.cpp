#include "vsctl/completion.hpp"

#include <algorithm>

#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"
#include "vsctl/text.hpp"
#include "vsctl/wish.hpp"
#include "vsd/api/client.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

using Candidates = std::vector<std::string>;

std::string described(std::string_view word, std::string_view description) {
  return fmt::format("{}\t{}", word, description);
}

Candidates startingWith(const std::string& start, Candidates candidates) {
  std::erase_if(candidates, [&](const std::string& candidate) {
    return !candidate.starts_with(start) && candidate != kCompleteFiles;
  });
  return candidates;
}

// First words: verbs of one word and nouns.
Candidates firstWords() {
  Candidates words;
  for (const Verb& verb : verbs()) {
    const std::size_t space = verb.name.find(' ');
    const std::string noun(verb.name.substr(0, space));
    if (space == std::string_view::npos)
      words.push_back(described(verb.name, verb.summary));
    else if (words.empty() || !words.back().starts_with(noun + "\t"))
      words.push_back(described(noun, fmt::format("{} ...", verb.group)));
  }
  return words;
}

Candidates secondWords(const std::string& noun) {
  Candidates words;
  for (const Verb& verb : verbs())
    if (verb.name.starts_with(noun + " "))
      words.push_back(described(verb.name.substr(noun.size() + 1), verb.summary));
  return words;
}

Candidates columnsOf(const Verb& verb) {
  Candidates names;
  for (const Column& column : verb.columns) names.emplace_back(column.name);
  return names;
}

// Values of a flag.
Candidates valuesOf(const Verb& verb, const std::string& flag, const NamesOf& namesOf) {
  if (flag == "--format") return {std::begin(kFormatNames), std::end(kFormatNames)};
  if (flag == "--sort" || flag == "--columns") return columnsOf(verb);
  if (flag == "--template") return namesOf(Operand::Template);
  if (flag == "--definition") return namesOf(Operand::TemplateDefinition);
  if (flag == "--init") return {"systemd", "sysv", "command"};
  if (flag == "--profile") return {"system", "nesting"};
  if (flag == "--restart") return {"no", "on-failure", "always"};
  if (flag == "--disk" && verb.name != "resize") return {"normal", "undoable"};
  if (flag == "--at-stop") return {"ask", "keep", "discard"};
  if (flag == "--undo") return {"keep", "discard"};
  if (flag == "--to") return namesOf(Operand::Storage);
  if (flag == "--storage") return namesOf(Operand::Storage);
  if (flag == "--tier") return {"thin", "shared"};
  if (flag == "--fs") return {"ext4", "xfs"};
  if (flag == "--fw" || (flag == "--vlan" && verb.name == "net")) return {"up", "down"};
  if (flag == "--firewall") return {"on", "off"};
  if (flag == "--network") return namesOf(Operand::Network);
  if (flag == "--rules") return {std::string(kCompleteFiles)};
  if (flag == "--force") return {verb.name == "storage move" ? "snapshots" : "wipe"};
  if (flag == "--device") return {std::string(kCompleteFiles)};
  if (flag == "--unset") return unsettableNames();
  if (flag == "--authorized-key" || flag == "--socket") return {std::string(kCompleteFiles)};
  return {};
}

Candidates flagCandidates(const Flags& flags) {
  Candidates candidates;
  for (const FlagInfo& info : flags.all())
    candidates.push_back(described(info.names.back(), info.help));
  return candidates;
}

Candidates operandCandidates(const Verb& verb, std::size_t position, const NamesOf& namesOf) {
  const Operand operand = verb.operands[std::min(position, verb.operands.size() - 1)];
  if (operand == Operand::Nothing) return {};
  if (operand == Operand::File) return {std::string(kCompleteFiles)};
  if (operand == Operand::UndoAnswer) return {"keep", "discard"};
  if (operand == Operand::SnapshotRule)
    return {"minutely=", "hourly=", "daily=", "weekly=", "monthly=", "off"};
  return namesOf(operand);
}

Candidates completeVerb(const Verb& verb, const std::vector<std::string>& words,
                        const NamesOf& namesOf) {
  const Parser parser = makeParser(verb);
  const std::string& last = words.back();
  std::size_t position = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--") return {};
    const bool valueFollows = parser.flags->takesNextWord(words[i]);
    if (valueFollows && i + 2 == words.size()) return valuesOf(verb, words[i], namesOf);
    if (valueFollows)
      ++i;
    else if (!words[i].starts_with('-'))
      ++position;
  }
  if (verb.rest == Rest::AfterName && position > 0) return {};
  const std::size_t equals = last.find('=');
  if (last.starts_with("--") && equals != std::string::npos) {
    Candidates values;
    for (const std::string& value : valuesOf(verb, last.substr(0, equals), namesOf))
      values.push_back(value == kCompleteFiles ? value : last.substr(0, equals + 1) + value);
    return values;
  }
  if (last.starts_with('-')) return flagCandidates(*parser.flags);
  return operandCandidates(verb, position, namesOf);
}

// --- names from the daemon ---

constexpr Millis kPatience{700};

struct Source {
  Operand operand;
  const char* method;
  const char* list;
  const char* nameAt;                    // JSON pointer in an item
  std::vector<std::string_view> states;  // empty: any
};

const std::vector<Source>& sources() {
  static const std::vector<Source> table = {
      {Operand::Context, "List", "contexts", "/definition/name", {}},
      {Operand::RunningContext, "List", "contexts", "/definition/name", {"running", "starting"}},
      {Operand::StoppedContext, "List", "contexts", "/definition/name", {"stopped", "failed"}},
      {Operand::SuspendedContext, "List", "contexts", "/definition/name", {"suspended"}},
      {Operand::FrozenContext, "List", "contexts", "/definition/name", {"frozen"}},
      {Operand::Storage, "StorageList", "storages", "/name", {}},
      {Operand::Network, "NetworkList", "networks", "/name", {}},
      {Operand::Template, "TemplateList", "templates", "/name", {}},
      {Operand::TemplateDefinition, "TemplateList", "definitions", "/name", {}},
      {Operand::Operation, "OperationList", "operations", "/id", {}},
      {Operand::RunningOperation, "OperationList", "operations", "/id", {"running"}},
  };
  return table;
}

Candidates askDaemon(Operand operand) {
  const auto source = std::ranges::find(sources(), operand, &Source::operand);
  if (source == sources().end()) return {};
  api::Client client(api::defaultSocketPath());
  client.setDeadline(deadlineIn(kPatience));
  Json parameters = Json::object();
  if (operand == Operand::Operation) parameters["all"] = true;
  Candidates names;
  const Json reply = client.call(source->method, parameters).parameters;
  for (const Json& item : reply.at(source->list)) {
    const std::string state = item.value("state", "");
    if (!source->states.empty() && std::ranges::find(source->states, state) == source->states.end())
      continue;
    names.push_back(item.at(Json::json_pointer(source->nameAt)).get<std::string>());
  }
  return names;
}

// A shell that completes must not be disturbed: whatever goes wrong, there are no candidates.
int printCandidates(const std::vector<std::string>& words) {
  try {
    std::string text;
    for (const std::string& candidate : complete(words, askDaemon)) text += candidate + "\n";
    print(text);
  } catch (const std::exception&) {
    return kFailure;
  }
  return kSuccess;
}

int printVerbs() {
  std::string text;
  for (const Verb& verb : verbs()) {
    text += verb.name;
    const Parser parser = makeParser(verb);
    for (const FlagInfo& info : parser.flags->all()) text += " " + join(info.names, " ");
    text += "\n";
  }
  print(text);
  return kSuccess;
}

}  // namespace

Candidates complete(const std::vector<std::string>& words, const NamesOf& namesOf) {
  if (words.empty()) return firstWords();
  std::vector<std::string> before(words.begin(), words.end() - 1);
  const std::string& last = words.back();
  CommandLine line;
  try {
    line = splitCommandLine(before);
  } catch (const Error&) {
    // A global flag that waits for its value, or no flag at all.
    if (!before.empty()) return startingWith(last, valuesOf({}, before.back(), namesOf));
    return {};
  }
  const FoundVerb found = findVerb(line.words);
  if (found.verb != nullptr) {
    std::vector<std::string> rest(line.words.begin() + static_cast<std::ptrdiff_t>(found.words),
                                  line.words.end());
    rest.push_back(last);
    return startingWith(last, completeVerb(*found.verb, rest, namesOf));
  }
  if (line.words.size() == 1 && isNoun(line.words[0]))
    return startingWith(last, secondWords(line.words[0] == "op" ? "operation" : line.words[0]));
  if (!line.words.empty()) return {};
  if (!last.starts_with('-')) return startingWith(last, firstWords());
  Flags flags;
  Globals globals;
  addGlobals(flags, globals);
  Candidates candidates = flagCandidates(flags);
  candidates.push_back(described("--version", "print the version"));
  return startingWith(last, candidates);
}

int runHidden(const std::vector<std::string>& arguments) {
  if (arguments[0] == "__complete")
    return printCandidates({arguments.begin() + 1, arguments.end()});
  if (arguments[0] == "__verbs") return printVerbs();
  throw invalid("there is no verb '{}'", arguments[0]).withHint("'vsctl --help' lists all verbs");
}

}  // namespace vs::ctl
