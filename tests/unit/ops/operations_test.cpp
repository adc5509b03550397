#include "vsd/ops/operations.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs {
namespace {

class OperationsTest : public testing::Test {
 protected:
  static OperationRequest on(const std::string& object, const std::string& verb = "start") {
    OperationRequest request;
    request.verb = verb;
    request.object = object;
    request.user = "root";
    return request;
  }
  OperationPicture finished(const std::shared_ptr<Operation>& operation) {
    EXPECT_TRUE(operation->waitEnd(Millis(10'000)));
    return operation->picture();
  }
  static std::string stepsOf(const OperationPicture& picture) {
    std::string text;
    for (const Step& step : picture.steps)
      text += step.name + ":" + std::string(nameOf(step.state)) + " ";
    return text;
  }

  TempDir directory_;
  Journal journal_{directory_.path() + "/vsd.db"};
  Operations operations_{journal_};
};

TEST_F(OperationsTest, TellTheirStepsAndAreJournalled) {
  const auto operation = operations_.start(on("web1"), [](Operation& running) {
    running.step("one");
    running.step("two");
    running.note("by the way");
  });
  const OperationPicture picture = finished(operation);
  EXPECT_EQ(picture.state, OperationState::Done);
  EXPECT_EQ(stepsOf(picture), "one:done two:done ");
  const auto kept = journal_.find(picture.id);
  ASSERT_TRUE(kept);
  EXPECT_EQ(toJson(*kept), toJson(picture));
  EXPECT_TRUE(journal_.unfinished().empty());
}

TEST_F(OperationsTest, OneAtATimePerObjectNamingTheOneInTheWay) {
  std::promise<void> go;
  const auto first = operations_.start(on("web1"), [&go](Operation&) { go.get_future().wait(); });
  try {
    operations_.start(on("web1", "stop"), [](Operation&) {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Busy);
    EXPECT_EQ(error.text(), "'web1' is busy: operation 1 ('start') is running on it");
    EXPECT_EQ(error.hint(), "wait for it with 'vsctl operation wait 1'");
  }
  const auto other = operations_.start(on("web2"), [](Operation&) {});
  EXPECT_EQ(finished(other).state, OperationState::Done);
  go.set_value();
  finished(first);
  EXPECT_EQ(finished(operations_.start(on("web1"), [](Operation&) {})).state, OperationState::Done);
}

TEST_F(OperationsTest, HoldEveryObjectTheyName) {
  std::promise<void> go;
  OperationRequest rename = on("a", "rename");
  rename.alsoBusy = {"b"};
  const auto operation = operations_.start(rename, [&go](Operation&) { go.get_future().wait(); });
  EXPECT_THROW(operations_.start(on("b"), [](Operation&) {}), Error);
  EXPECT_EQ(operations_.busyObjects(), (std::vector<std::string>{"a", "b"}));
  go.set_value();
  finished(operation);
  EXPECT_TRUE(operations_.busyObjects().empty());
}

TEST_F(OperationsTest, AFailureNamesItsStepAndWhatWasTakenBack) {
  const auto operation = operations_.start(on("web1"), [](Operation& running) {
    running.step("one");
    running.step("two");
    throw failed("no luck").withHint("try again");
  });
  const OperationPicture picture = finished(operation);
  EXPECT_EQ(picture.state, OperationState::Failed);
  EXPECT_EQ(stepsOf(picture), "one:undone two:failed ");
  ASSERT_TRUE(picture.error);
  EXPECT_EQ(picture.error->text(), "no luck");
  EXPECT_EQ(picture.error->step(), "two");
  EXPECT_EQ(picture.error->hint(), "try again");
}

TEST_F(OperationsTest, ACancelIsNoticedAtTheNextStep) {
  std::promise<void> inFirst;
  std::promise<void> go;
  const auto operation = operations_.start(on("web1"), [&](Operation& running) {
    running.step("one");
    inFirst.set_value();
    go.get_future().wait();
    running.step("two");
    ADD_FAILURE() << "went on";
  });
  inFirst.get_future().wait();
  operation->cancel();
  go.set_value();
  EXPECT_EQ(finished(operation).state, OperationState::Cancelled);
  EXPECT_THROW(operation->cancel(), Error);  // it has ended
}

TEST_F(OperationsTest, NoCancelAfterThePointOfNoReturn) {
  std::promise<void> passed;
  std::promise<void> go;
  const auto operation = operations_.start(on("web1"), [&](Operation& running) {
    running.step("commit");
    running.passPointOfNoReturn();
    passed.set_value();
    go.get_future().wait();
    running.step("afterwards");
  });
  passed.get_future().wait();
  EXPECT_THROW(operation->cancel(), Error);
  go.set_value();
  EXPECT_EQ(finished(operation).state, OperationState::Done);
}

TEST_F(OperationsTest, ObserversHearEveryChangeUntilTheyLetGo) {
  std::promise<void> go;
  const auto operation = operations_.start(on("web1"), [&go](Operation& running) {
    go.get_future().wait();
    running.step("one");
    running.progress(50);
    running.progress(50);  // no change
  });
  int heard = 0;
  auto handle = operation->observe([&heard] { ++heard; });
  go.set_value();
  finished(operation);
  EXPECT_EQ(operations_.show(operation->picture().id).state, OperationState::Done);
  for (int i = 0; i < 100 && heard < 3; ++i) std::this_thread::sleep_for(Millis(10));
  EXPECT_EQ(heard, 3);  // the step, the progress, the end
}

TEST_F(OperationsTest, AnUnfinishedOneIsFoundByTheNextDaemon) {
  journal_.begin("create", "web1", "root", R"({"name":"web1"})");
  Journal next(directory_.path() + "/vsd.db");
  const auto open = next.unfinished();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].picture.verb, "create");
  EXPECT_EQ(open[0].picture.object, "web1");
  EXPECT_EQ(open[0].parameters, R"({"name":"web1"})");
}

TEST_F(OperationsTest, UnknownIdsAreNotFound) {
  for (const char* id : {"99", "", "1; DROP TABLE operations", "-1", "99999999999999999999999"})
    EXPECT_THROW(operations_.show(id), Error) << id;
}

TEST_F(OperationsTest, ThatYieldAreCancelledForOthersWhichWait) {
  OperationRequest request = on("web1", "look");
  request.manner = Manner::Yields;
  const auto first = operations_.start(request, [](Operation& running) {
    while (!running.isCancelled()) std::this_thread::sleep_for(Millis(1));
    running.step("next");
  });
  EXPECT_THROW(operations_.start(request, [](Operation&) {}), Error);  // not for their like
  const auto second = operations_.start(on("web1", "stop"), [](Operation&) {});
  EXPECT_EQ(finished(second).state, OperationState::Done);
  EXPECT_EQ(finished(first).state, OperationState::Cancelled);
}

TEST_F(OperationsTest, ThatYieldArePastTheirPointOfNoReturnFinished) {
  std::promise<void> past;
  OperationRequest request = on("web1", "look");
  request.manner = Manner::Yields;
  const auto first = operations_.start(request, [&past](Operation& running) {
    running.passPointOfNoReturn();
    past.set_value();
    std::this_thread::sleep_for(Millis(100));
    running.step("next");
  });
  past.get_future().wait();
  OperationRequest hasty = on("web1", "settle");
  hasty.patience = Millis(0);
  EXPECT_THROW(operations_.start(hasty, [](Operation&) {}), Error);
  const auto second = operations_.start(on("web1", "stop"), [](Operation&) {});
  EXPECT_EQ(finished(first).state, OperationState::Done);
  EXPECT_EQ(finished(second).state, OperationState::Done);
}

}  // namespace
}  // namespace vs
