#include "vsctl/progress.hpp"

#include <gtest/gtest.h>

#include "vsctl/operation.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

const Json kOperation = parseJson(R"({"id": "7", "state": "running", "progress": 42, "steps": [
  {"name": "make volume", "state": "done", "duration": 1200},
  {"name": "old thing", "state": "undone"},
  {"name": "unpack\ttemplate", "state": "running"}]})",
                                  "test");

TEST(ProgressLine, SaysStepPercentAndTime) {
  EXPECT_EQ(progressLine("create 'web1'", kOperation, Millis(3249)),
            "create 'web1': unpack?template 42% 3.2s");
  EXPECT_EQ(
      progressLine(
          "stop 'a'",
          {{"steps", {{{"name", "one"}, {"state", "done"}}, {{"name", "two"}, {"state", "done"}}}}},
          Millis(0)),
      "stop 'a': two 0ms");
  EXPECT_EQ(progressLine("create 'web1'", Json(), Millis(149)), "create 'web1': 100ms");
  EXPECT_EQ(progressLine("stop 'a'", {{"progress", nullptr}, {"steps", nullptr}}, Millis(0)),
            "stop 'a': 0ms");
}

TEST(NewStepLines, TellsEachEndedStepOnce) {
  EXPECT_EQ(newStepLines("create 'web1'", kOperation, 0),
            (std::vector<std::string>{"create 'web1': make volume 1.2s",
                                      "create 'web1': old thing undone"}));
  EXPECT_EQ(newStepLines("create 'web1'", kOperation, 1),
            std::vector<std::string>{"create 'web1': old thing undone"});
  EXPECT_EQ(newStepLines("create 'web1'", kOperation, 2), std::vector<std::string>{});
}

TEST(ThrowIfFailed, MakesAnErrorOfAnOperationThatDidNotEndWell) {
  EXPECT_NO_THROW(throwIfFailed({{"state", "done"}}));
  EXPECT_NO_THROW(throwIfFailed(Json()));
  try {
    throwIfFailed({{"id", "7"},
                   {"state", "failed"},
                   {"error", "no room"},
                   {"errorKind", "Busy"},
                   {"hint", "wait"}});
    FAIL() << "no error";
  } catch (const api::CallError& error) {
    EXPECT_EQ(error.kind(), Kind::Busy);
    EXPECT_EQ(error.text(), "no room");
    EXPECT_EQ(error.hint(), "wait");
    EXPECT_EQ(error.operation(), "7");
  }
  try {
    throwIfFailed({{"id", "7"}, {"state", "cancelled"}});
    FAIL() << "no error";
  } catch (const api::CallError& error) {
    EXPECT_EQ(error.kind(), Kind::Cancelled);
    EXPECT_EQ(error.text(), "operation 7 was cancelled");
  }
}

}  // namespace
}  // namespace vs::ctl
