#include "vsctl/completion.hpp"

#include <gtest/gtest.h>

#include "vsctl/text.hpp"

namespace vs::ctl {
namespace {

std::vector<std::string> namesOf(Operand operand) {
  switch (operand) {
    case Operand::Context:
      return {"web1", "web2", "db1"};
    case Operand::RunningContext:
      return {"web1"};
    case Operand::StoppedContext:
      return {"web2", "db1"};
    case Operand::Template:
      return {"debian13"};
    case Operand::TemplateDefinition:
      return {"debian12", "busybox"};
    case Operand::RunningOperation:
      return {"7"};
    default:
      return {};
  }
}

// The candidates for a line, its last word empty when the line ends with a space.
std::string candidates(const std::string& line) {
  std::vector<std::string> words = splitList(line, ' ');
  if (line.empty() || line.back() == ' ') words.emplace_back();
  std::vector<std::string> found;
  for (const std::string& candidate : complete(words, namesOf))
    found.push_back(candidate.substr(0, candidate.find('\t')));
  return join(found, " ");
}

TEST(Completion, OffersVerbsAndNounsFirst) {
  EXPECT_EQ(candidates("st"), "start stop storage");
  EXPECT_EQ(candidates("t"), "thaw take template");
  EXPECT_EQ(candidates("template "), "build create list show import export remove");
  EXPECT_EQ(candidates("op w"), "wait");
  EXPECT_EQ(candidates("nonsense "), "");
}

TEST(Completion, OffersNamesThatTheVerbCanWorkOn) {
  EXPECT_EQ(candidates("show "), "web1 web2 db1");
  EXPECT_EQ(candidates("start "), "web2 db1");
  EXPECT_EQ(candidates("start web2 d"), "db1");
  EXPECT_EQ(candidates("exec --user root w"), "web1");
  EXPECT_EQ(candidates("template build "), "debian12 busybox");
  EXPECT_EQ(candidates("operation abort "), "7");
  EXPECT_EQ(candidates("rename db1 "), "");
  EXPECT_EQ(candidates("undo db1 "), "keep discard");
  EXPECT_EQ(candidates("storage move web2 "), "web2 db1");
  EXPECT_EQ(candidates("snapshot schedule web1 hourly=24 "),
            "minutely= hourly= daily= weekly= monthly= off");
}

TEST(Completion, LeavesTheUsersOwnCommandAlone) {
  EXPECT_EQ(candidates("exec web1 w"), "");
  EXPECT_EQ(candidates("create web3 -- --m"), "");
}

TEST(Completion, OffersFlagsOfTheVerbAndGlobalOnes) {
  EXPECT_EQ(candidates("start --"),
            "--help --all --parallel --autostart --wait --format --columns --filter --sort "
            "--no-header --quiet --verbose --dry-run --yes --async --timeout --socket");
  EXPECT_EQ(candidates("--no"), "--no-header");
  EXPECT_EQ(candidates("--ver"), "--verbose --version");
}

TEST(Completion, OffersValuesOfFlags) {
  EXPECT_EQ(candidates("create web3 --template "), "debian13");
  EXPECT_EQ(candidates("create web3 --restart o"), "on-failure");
  EXPECT_EQ(candidates("list --format=y"), "--format=yaml");
  EXPECT_EQ(candidates("--format j"), "json");
  EXPECT_EQ(candidates("list --sort na"), "name");
  EXPECT_EQ(candidates("create web3 --memory "), "");
  EXPECT_EQ(candidates("set web1 --unset me"), "memory");
  EXPECT_EQ(candidates("set web1 --disk u"), "undoable");
  EXPECT_EQ(candidates("resize web1 --disk "), "");
  EXPECT_EQ(candidates("stop web1 --undo "), "keep discard");
  EXPECT_EQ(candidates("storage move db1 --force "), "snapshots");
  EXPECT_EQ(candidates("storage add fast --force "), "wipe");
}

TEST(Completion, LeavesFilesToTheShell) {
  EXPECT_EQ(candidates("template import x "), ":files");
  EXPECT_EQ(candidates("create x --authorized-key ~/.s"), ":files");
}

}  // namespace
}  // namespace vs::ctl
