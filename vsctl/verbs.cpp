#include "vsctl/verbs.hpp"

#include <algorithm>

#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

using enum Operand;

constexpr std::string_view kLife = "Contexts";
constexpr std::string_view kInside = "Inside a context";
constexpr std::string_view kHost = "This host";
constexpr std::string_view kSnapshots = "Snapshots";
constexpr std::string_view kStorages = "Storages";
constexpr std::string_view kTemplates = "Templates";
constexpr std::string_view kOperations = "Operations";

std::vector<Verb> makeVerbs() {
  const Columns contexts = kContextColumns;
  const Columns templates = kTemplateColumns;
  const Columns operations = kOperationColumns;
  constexpr Rest none = Rest::None;
  constexpr Rest dashes = Rest::AfterDashes;
  return {
      {"list", "ls", kLife, "[CONTEXT...]", "list contexts", listVerb, {Context}, none, contexts},
      {"show",
       "",
       kLife,
       "CONTEXT...",
       "show all about contexts",
       showVerb,
       {Context},
       none,
       contexts},
      {"create",
       "",
       kLife,
       "NAME [-- COMMAND...]",
       "make a context from a template",
       createVerb,
       {Nothing},
       dashes},
      {"start", "", kLife, "CONTEXT...", "start contexts", startVerb, {StoppedContext}},
      {"stop", "", kLife, "CONTEXT...", "shut contexts down", stopVerb, {RunningContext}},
      {"restart",
       "",
       kLife,
       "CONTEXT...",
       "stop and start contexts",
       restartVerb,
       {RunningContext}},
      {"freeze",
       "",
       kLife,
       "CONTEXT...",
       "halt all tasks of contexts where they are",
       freezeVerb,
       {RunningContext}},
      {"thaw", "", kLife, "CONTEXT...", "let frozen contexts go on", thawVerb, {FrozenContext}},
      {"undo",
       "",
       kLife,
       "CONTEXT keep|discard",
       "say what becomes of what a context changed",
       undoVerb,
       {StoppedContext, UndoAnswer}},
      {"set",
       "",
       kLife,
       "CONTEXT... [-- COMMAND...]",
       "change what contexts are to be",
       setVerb,
       {Context},
       dashes},
      {"take",
       "",
       kLife,
       "CONTEXT",
       "make a context of a shared storage this host's",
       takeVerb,
       {Nothing}},
      {"rename",
       "mv",
       kLife,
       "CONTEXT NAME",
       "give a stopped context another name",
       renameVerb,
       {StoppedContext, Nothing}},
      {"clone",
       "cp",
       kLife,
       "CONTEXT NAME",
       "copy a stopped context",
       cloneVerb,
       {StoppedContext, Nothing}},
      {"export",
       "",
       kLife,
       "CONTEXT[@SNAPSHOT]",
       "write a context with all its files to an archive",
       exportVerb,
       {Context, Nothing}},
      {"import",
       "",
       kLife,
       "FILE",
       "make a context from such an archive",
       importVerb,
       {File, Nothing}},
      {"resize",
       "",
       kLife,
       "CONTEXT",
       "give a context a larger or smaller volume",
       resizeVerb,
       {Context, Nothing}},
      {"fsck", "", kLife, "CONTEXT...", "check the file systems of contexts", fsckVerb, {Context}},
      {"remove",
       "rm",
       kLife,
       "CONTEXT...",
       "remove contexts and their data",
       removeVerb,
       {Context}},
      {"exec",
       "",
       kInside,
       "CONTEXT [--] COMMAND...",
       "run a command",
       execVerb,
       {RunningContext, Nothing},
       Rest::AfterName},
      {"enter",
       "sh",
       kInside,
       "CONTEXT",
       "open a login shell",
       enterVerb,
       {RunningContext, Nothing}},
      {"console",
       "",
       kInside,
       "CONTEXT",
       "attach to the console",
       consoleVerb,
       {RunningContext, Nothing}},
      {"log",
       "",
       kInside,
       "CONTEXT",
       "show what was written to the console",
       logVerb,
       {Context, Nothing}},
      {"template build",
       "",
       kTemplates,
       "NAME",
       "build a template from its definition",
       templateBuildVerb,
       {TemplateDefinition, Nothing}},
      {"template create",
       "",
       kTemplates,
       "NAME",
       "make a template of what a context holds",
       templateCreateVerb,
       {Nothing}},
      {"template list",
       "ls",
       kTemplates,
       "",
       "list templates",
       templateListVerb,
       {Nothing},
       none,
       templates},
      {"template show",
       "",
       kTemplates,
       "TEMPLATE...",
       "show all about templates",
       templateShowVerb,
       {Template},
       none,
       templates},
      {"template import",
       "",
       kTemplates,
       "NAME FILE [-- COMMAND...]",
       "make a template from an archive",
       templateImportVerb,
       {Nothing, File},
       dashes},
      {"template export",
       "",
       kTemplates,
       "TEMPLATE FILE",
       "write a template to an archive",
       templateExportVerb,
       {Template, File}},
      {"template remove",
       "rm",
       kTemplates,
       "TEMPLATE...",
       "remove templates",
       templateRemoveVerb,
       {Template}},
      {"snapshot create",
       "",
       kSnapshots,
       "CONTEXT",
       "take a snapshot of a context's data",
       snapshotCreateVerb,
       {Context, Nothing}},
      {"snapshot list",
       "ls",
       kSnapshots,
       "CONTEXT",
       "list the snapshots of a context",
       snapshotListVerb,
       {Context, Nothing},
       none,
       kSnapshotColumns},
      {"snapshot show",
       "",
       kSnapshots,
       "CONTEXT SNAPSHOT...",
       "show all about snapshots",
       snapshotShowVerb,
       {Context, Nothing},
       none,
       kSnapshotColumns},
      {"snapshot diff",
       "",
       kSnapshots,
       "CONTEXT SNAPSHOT [OTHER]",
       "show what differs from a snapshot, now or in another one",
       snapshotDiffVerb,
       {Context, Nothing},
       none,
       kDiffColumns},
      {"snapshot schedule",
       "",
       kSnapshots,
       "CONTEXT [PERIOD=NUMBER...|off]",
       "have snapshots taken and removed by themselves",
       snapshotScheduleVerb,
       {Context, SnapshotRule},
       none,
       kScheduleColumns},
      {"snapshot restore",
       "",
       kSnapshots,
       "CONTEXT SNAPSHOT",
       "put a stopped context's data back to a snapshot",
       snapshotRestoreVerb,
       {StoppedContext, Nothing}},
      {"snapshot remove",
       "rm",
       kSnapshots,
       "CONTEXT SNAPSHOT...",
       "remove snapshots",
       snapshotRemoveVerb,
       {Context, Nothing}},
      {"storage add",
       "",
       kStorages,
       "NAME",
       "set up a storage on a disk or in a volume group",
       storageAddVerb,
       {Nothing}},
      {"storage list",
       "ls",
       kStorages,
       "",
       "list storages and how full they are",
       storageListVerb,
       {Nothing},
       none,
       kStorageColumns},
      {"storage show",
       "",
       kStorages,
       "STORAGE...",
       "show all about storages",
       storageShowVerb,
       {Storage},
       none,
       kStorageColumns},
      {"storage check",
       "",
       kStorages,
       "[STORAGE...]",
       "hold storages against how they should be",
       storageCheckVerb,
       {Storage},
       none,
       kFindingColumns},
      {"storage move",
       "",
       kStorages,
       "CONTEXT...",
       "carry stopped contexts over to another storage",
       storageMoveVerb,
       {StoppedContext}},
      {"storage remove",
       "rm",
       kStorages,
       "STORAGE...",
       "give up storages that hold no contexts",
       storageRemoveVerb,
       {Storage}},
      {"storage handover",
       "",
       kStorages,
       "CONTEXT STEP",
       "one step of giving a volume to another host, for tests and repair",
       storageHandoverVerb,
       {Nothing, Nothing}},
      {"operation list",
       "ls",
       kOperations,
       "",
       "list operations",
       operationListVerb,
       {Nothing},
       none,
       operations},
      {"operation show",
       "",
       kOperations,
       "ID...",
       "show operations and their steps",
       operationShowVerb,
       {Operand::Operation},
       none,
       operations},
      {"operation wait",
       "",
       kOperations,
       "ID...",
       "wait for the end of operations",
       operationWaitVerb,
       {RunningOperation},
       none,
       operations},
      {"operation abort",
       "",
       kOperations,
       "ID...",
       "stop operations and undo what they did",
       operationAbortVerb,
       {RunningOperation},
       none,
       operations},
      {"check",
       "",
       kHost,
       "",
       "hold this host against what contexts need",
       checkVerb,
       {Nothing},
       none,
       kFindingColumns},
      {"reconcile",
       "",
       kHost,
       "",
       "compare records with what is really there",
       reconcileVerb,
       {Nothing},
       none,
       kDifferenceColumns},
      {"info", "", kHost, "", "show what the daemon says of itself", infoVerb, {Nothing}},
  };
}

// "op" is short for "operation".
std::string fullNoun(const std::string& word) { return word == "op" ? "operation" : word; }

bool isNamed(const Verb& verb, const std::string& noun, const std::string& name) {
  const std::size_t space = verb.name.find(' ');
  if (space == std::string_view::npos)
    return noun.empty() && (verb.name == name || (!name.empty() && verb.alias == name));
  const std::string_view own = verb.name.substr(space + 1);
  return verb.name.substr(0, space) == noun &&
         (own == name || (!name.empty() && verb.alias == name));
}

}  // namespace

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = makeVerbs();
  return table;
}

bool isNoun(std::string_view word) {
  const std::string noun = fullNoun(std::string(word)) + " ";
  return std::ranges::any_of(verbs(),
                             [&](const Verb& verb) { return verb.name.starts_with(noun); });
}

FoundVerb findVerb(std::span<const std::string> words) {
  if (words.empty()) return {};
  const bool twoWords = isNoun(words[0]);
  if (twoWords && words.size() < 2) return {};
  const std::string noun = twoWords ? fullNoun(words[0]) : "";
  const std::string& name = twoWords ? words[1] : words[0];
  for (const Verb& verb : verbs())
    if (isNamed(verb, noun, name)) return {&verb, twoWords ? 2U : 1U};
  return {};
}

Parser makeParser(const Verb& verb) {
  Parser parser;
  parser.flags = std::make_unique<Flags>();
  parser.globals = std::make_shared<Globals>();
  parser.action = verb.define(*parser.flags);
  addGlobals(*parser.flags, *parser.globals);
  return parser;
}

CutWords cutRest(const Verb& verb, const Flags& flags, std::vector<std::string> words) {
  if (verb.rest == Rest::None) return {std::move(words), {}};
  auto at = words.begin();
  bool named = false;
  while (at != words.end() && *at != "--" && !named) {
    if (flags.takesNextWord(*at) && at + 1 != words.end())
      ++at;
    else if (verb.rest == Rest::AfterName && !at->starts_with('-'))
      named = true;
    ++at;
  }
  const auto rest = at != words.end() && *at == "--" ? at + 1 : at;
  return {{words.begin(), at}, {rest, words.end()}};
}

}  // namespace vs::ctl
