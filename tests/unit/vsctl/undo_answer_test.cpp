#include "vsctl/undo_answer.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

Json context(const char* name, const char* disk, const char* atStop) {
  return {{"definition", {{"name", name}, {"disk", disk}, {"atStop", atStop}}}};
}

TEST(UndoAnswer, IsAskedForOnlyWhereTheDefinitionSaysSo) {
  const Json contexts =
      Json::array({context("a", "undoable", "ask"), context("b", "normal", "ask"),
                   context("c", "undoable", "keep"), context("d", "undoable", "ask")});
  EXPECT_EQ(namesToAskFor(contexts, {"a", "b", "c"}), std::vector<std::string>{"a"});
}

TEST(UndoAnswer, IsKeepOrDiscard) {
  EXPECT_EQ(undoAnswer("keep"), "keep");
  EXPECT_EQ(undoAnswer("discard"), "discard");
  EXPECT_THROW(undoAnswer("maybe"), Error);
}

}  // namespace
}  // namespace vs::ctl
