// The table of all verbs: what help, completion and the command line itself go by.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsctl/flags.hpp"
#include "vsctl/globals.hpp"
#include "vsctl/table.hpp"

namespace vs::ctl {

class Session;

// What a verb does once its words are parsed; returns the exit code.
using Action = std::function<int(Session&)>;

// What stands at a place of the command line, for completion.
enum class Operand {
  Nothing,
  Context,
  RunningContext,
  StoppedContext,
  FrozenContext,
  SuspendedContext,
  SnapshotRule,
  UndoAnswer,
  Storage,
  Network,
  Template,
  TemplateDefinition,
  Operation,
  RunningOperation,
  File,
};

// Where a command of the user's begins.
enum class Rest { None, AfterDashes, AfterName };

struct Verb {
  std::string_view name;  // "start", "template build"
  std::string_view alias;
  std::string_view group;
  std::string_view synopsis;  // what follows the name: "CONTEXT..."
  std::string_view summary;
  // Declares flags and operands on the parser and returns what to do with them.
  Action (*define)(Flags& flags);
  std::vector<Operand> operands;  // the last one repeats
  Rest rest = Rest::None;
  Columns columns = {};  // of what it lists
};

const std::vector<Verb>& verbs();

// The verb that the words begin with and how many words it takes: "template list" two. nullptr when
// there is none.
struct FoundVerb {
  const Verb* verb = nullptr;
  std::size_t words = 0;
};
FoundVerb findVerb(std::span<const std::string> words);
// True for the first word of verbs with two words: "template".
bool isNoun(std::string_view word);

// A verb's parser, with the global flags, and what runs after it has parsed.
struct Parser {
  std::unique_ptr<Flags> flags;
  std::shared_ptr<Globals> globals;
  Action action;
};
Parser makeParser(const Verb& verb);

// The words that the parser gets and those that are the user's command.
struct CutWords {
  std::vector<std::string> own;
  std::vector<std::string> rest;
};
CutWords cutRest(const Verb& verb, const Flags& flags, std::vector<std::string> words);

}  // namespace vs::ctl
