// From words to verbs, flags and the user's own command.
#include <gtest/gtest.h>

#include "vsctl/globals.hpp"
#include "vsctl/text.hpp"
#include "vsctl/verbs.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

using Words = std::vector<std::string>;

Words words(const std::string& text) { return splitList(text, ' '); }

std::string split(const std::string& text) {
  const CommandLine line = splitCommandLine(words(text));
  return join(line.globals, " ") + " | " + join(line.words, " ");
}

TEST(SplitCommandLine, CutsAtTheVerb) {
  EXPECT_EQ(split("list -q"), " | list -q");
  EXPECT_EQ(split("--format json list web1"), "--format json | list web1");
  EXPECT_EQ(split("--format=json -qn start --wait web1"),
            "--format=json --quiet --dry-run | start --wait web1");
  EXPECT_EQ(split("-n log -n 5 web1"), "--dry-run | log -n 5 web1");
  EXPECT_EQ(split(""), " | ");
}

TEST(SplitCommandLine, RefusesUnknownFlagsAndMissingValues) {
  for (const char* text : {"--nonsense list", "-x list", "--format"})
    EXPECT_THROW(splitCommandLine(words(text)), Error) << text;
}

std::string found(const std::string& text) {
  const Words all = words(text);
  const FoundVerb verb = findVerb(all);
  return verb.verb == nullptr ? "none" : fmt::format("{} {}", verb.verb->name, verb.words);
}

TEST(FindVerb, KnowsVerbsAliasesAndNouns) {
  EXPECT_EQ(found("start web1"), "start 1");
  EXPECT_EQ(found("ls"), "list 1");
  EXPECT_EQ(found("rm web1"), "remove 1");
  EXPECT_EQ(found("template ls"), "template list 2");
  EXPECT_EQ(found("op wait 7"), "operation wait 2");
  EXPECT_EQ(found("template"), "none");
  EXPECT_EQ(found("template start"), "none");
  EXPECT_EQ(found("build"), "none");
  EXPECT_EQ(found(""), "none");
}

TEST(Verbs, HaveNamesAliasesAndFlagsOnlyOnce) {
  std::map<std::string, int> seen;
  for (const Verb& verb : verbs()) {
    ++seen[std::string(verb.name)];
    const std::string noun(verb.name.substr(0, verb.name.find(' ') + 1));
    if (!verb.alias.empty()) ++seen[noun + std::string(verb.alias)];
    EXPECT_NO_THROW(makeParser(verb)) << verb.name;
    EXPECT_FALSE(verb.operands.empty()) << verb.name;
  }
  for (const auto& [name, count] : seen) EXPECT_EQ(count, 1) << name;
}

std::string cut(const std::string& text) {
  const Words all = words(text);
  const FoundVerb verb = findVerb(all);
  const Parser parser = makeParser(*verb.verb);
  const CutWords parts = cutRest(*verb.verb, *parser.flags, {all.begin() + 1, all.end()});
  return join(parts.own, " ") + " | " + join(parts.rest, " ");
}

TEST(CutRest, GivesExecEverythingAfterTheName) {
  EXPECT_EQ(cut("exec web1 ls -l --help"), "web1 | ls -l --help");
  EXPECT_EQ(cut("exec --user root -e A=b web1 ls -t"), "--user root -e A=b web1 | ls -t");
  EXPECT_EQ(cut("exec --user=root -tu www web1 ls"), "--user=root -tu www web1 | ls");
  EXPECT_EQ(cut("exec web1 -- ls -- x"), "web1 | ls -- x");
  EXPECT_EQ(cut("exec web1"), "web1 | ");
  EXPECT_EQ(cut("exec --timeout 5s web1 --user"), "--timeout 5s web1 | --user");
}

TEST(CutRest, GivesCreateTheCommandAfterTwoDashesOnly) {
  EXPECT_EQ(cut("create web1 --memory 1G"), "web1 --memory 1G | ");
  EXPECT_EQ(cut("create web1 -- sleep -n 5"), "web1 | sleep -n 5");
}

TEST(CutRest, LeavesOtherVerbsAlone) { EXPECT_EQ(cut("list -- web1"), "-- web1 | "); }

Globals parsed(const std::string& text) {
  const Words all = words(text);
  const FoundVerb verb = findVerb(all);
  Parser parser = makeParser(*verb.verb);
  parser.flags->parse({all.begin() + static_cast<long>(verb.words), all.end()});
  return *parser.globals;
}

TEST(GlobalFlags, AreUnderstoodByEveryVerb) {
  const Globals globals = parsed(
      "list --format csv --columns name,state --columns pid --filter a=1,2 --filter b=3 "
      "--sort -name --no-header -q -v -n -y --async --timeout 5s --socket /s");
  EXPECT_EQ(globals.formatKind(), Format::Csv);
  EXPECT_EQ(globals.columns, (Words{"name", "state", "pid"}));
  EXPECT_EQ(globals.filters, (Words{"a=1,2", "b=3"}));
  EXPECT_EQ(globals.sort, "-name");
  EXPECT_EQ(globals.waitLimit(), Millis(5000));
  EXPECT_EQ(globals.socket, "/s");
  EXPECT_TRUE(globals.noHeader && globals.quiet && globals.verbose && globals.dryRun &&
              globals.yes && globals.async);
}

TEST(GlobalFlags, TakeTheLastOfSeveralValues) {
  EXPECT_EQ(parsed("list --format json --format yaml").formatKind(), Format::Yaml);
}

TEST(GlobalFlags, RefuseAFormatThereIsNot) {
  EXPECT_THROW(static_cast<void>(parsed("list --format xml").formatKind()), Error);
}

TEST(GlobalFlags, MayBeRepeated) { EXPECT_TRUE(parsed("list -q --quiet -q").quiet); }

TEST(Operands, MayBeADashOrLookLikeAPattern) {
  EXPECT_NO_THROW(parsed("template import x -"));
  EXPECT_NO_THROW(parsed("start web* @front [ab]?"));
}

TEST(LogVerb, HasANumberBehindItsN) { EXPECT_FALSE(parsed("log -n 5 web1").dryRun); }

TEST(Flags, RefuseWhatExcludesEachOther) {
  EXPECT_THROW(parsed("exec -t -T web1"), Error);
  EXPECT_THROW(parsed("create web1 --autostart --no-autostart"), Error);
}

}  // namespace
}  // namespace vs::ctl
