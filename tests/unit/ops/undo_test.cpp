#include "vsd/ops/undo.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_host.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/recovery.hpp"
#include "vsd/ops/set.hpp"
#include "vsd/ops/snapshots.hpp"
#include "vsd/ops/start.hpp"
#include "vsd/ops/stop.hpp"

namespace vs {
namespace {

class UndoTest : public testing::Test {
 protected:
  UndoTest() {
    fake_.add("web");
    define(Disk::Undoable, AtStop::Ask);
  }

  void define(Disk disk, AtStop atStop) {
    Definition definition = host_.contexts.find("web").definition;
    definition.templateName = "busybox";
    definition.ids.first = 524'288;
    definition.disk = disk;
    definition.atStop = atStop;
    host_.contexts.replaceDefinition(definition);
  }
  void took(storage::MadeBy by = storage::MadeBy::Undo) {
    fake_.storage->createSnapshot("web", kUndoSnapshot, by);
  }
  OperationPicture run(const Operations::Work& work) {
    const auto operation = fake_.operations.start({"test", "web", {}, "root"}, work);
    EXPECT_TRUE(operation->waitEnd(Millis(10'000)));
    return operation->picture();
  }
  void waitForAll() {
    while (const auto operation = fake_.operations.runningOn("web"))
      ASSERT_TRUE(operation->waitEnd(Millis(10'000)));
  }
  void recover() {
    Recovery recovery(host_, fake_.journal, Boot::LaterStart);
    recovery.begin();
    recovery.goOn();
  }
  bool isOpen() { return hasUndo(host_, host_.contexts.find("web").definition); }
  template <typename Action>
  static std::string errorOf(const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.text();
    }
    return "no error";
  }

  const std::vector<std::string> back_{kUndoSnapshot};
  test::FakeHost fake_;
  const Host& host_ = fake_.host;
};

TEST_F(UndoTest, IsToldByItsSnapshotAlone) {
  EXPECT_FALSE(isOpen());
  took();
  EXPECT_TRUE(isOpen());
  define(Disk::Normal, AtStop::Ask);
  EXPECT_FALSE(isOpen());
}

TEST_F(UndoTest, IsNotASnapshotOfAUserWithThatName) {
  took(storage::MadeBy::User);
  EXPECT_FALSE(isOpen());
}

TEST_F(UndoTest, IsNothingOfThisHostOnAVolumeThatAnotherHas) {
  took();
  fake_.storage->isOwner = false;
  EXPECT_FALSE(isOpen());
}

TEST_F(UndoTest, KeepsByRemovingTheSnapshot) {
  took();
  EXPECT_EQ(planUndo(host_, "web", UndoAnswer::Keep),
            std::vector<std::string>{"keep what 'web' changed: remove the snapshot 'vsd-undo'"});
  run([&](Operation& operation) { undo(host_, "web", UndoAnswer::Keep, operation); });
  EXPECT_FALSE(isOpen());
  EXPECT_EQ(fake_.storage->restored, std::vector<std::string>{});
}

TEST_F(UndoTest, DiscardsByGoingBackToIt) {
  took();
  run([&](Operation& operation) { undo(host_, "web", UndoAnswer::Discard, operation); });
  EXPECT_FALSE(isOpen());
  EXPECT_EQ(fake_.storage->restored, back_);
}

TEST_F(UndoTest, HasNothingToDecideWithoutASnapshot) {
  EXPECT_EQ(errorOf([&] { planUndo(host_, "web", UndoAnswer::Discard); }),
            "cannot discard what context 'web' changed: it was not started with an undoable disk");
}

TEST_F(UndoTest, WaitsForAnAnswerAndDoesNotStartBefore) {
  took();
  const OperationPicture ended =
      run([&](Operation& operation) { endSession(host_, "web", std::nullopt, operation); });
  EXPECT_EQ(ended.notes,
            std::vector<std::string>{"its changes wait for 'vsctl undo web keep' or 'discard'"});
  EXPECT_TRUE(isOpen());
  EXPECT_EQ(errorOf([&] { checkStart(host_, "web"); }),
            "what context 'web' changed when it last ran is neither kept nor discarded yet");
}

TEST_F(UndoTest, TakesTheDefinitionsAnswerWhereNobodySaysAnother) {
  define(Disk::Undoable, AtStop::Discard);
  took();
  EXPECT_NO_THROW(checkStart(host_, "web"));
  run([&](Operation& operation) { endSession(host_, "web", std::nullopt, operation); });
  EXPECT_EQ(fake_.storage->restored, back_);
  took();
  run([&](Operation& operation) { endSession(host_, "web", UndoAnswer::Keep, operation); });
  EXPECT_EQ(fake_.storage->restored, back_);
  EXPECT_FALSE(isOpen());
}

TEST_F(UndoTest, IsRefusedWhereThereAreNoSnapshots) {
  fake_.storage->hasSnapshots = false;
  define(Disk::Normal, AtStop::Ask);
  EXPECT_EQ(errorOf([&] {
              changedDefinition(host_, "web", {{"disk", "undoable"}});
            }),
            "the disk of context 'web' cannot be undoable: storage 'dir' has no snapshots");
}

TEST_F(UndoTest, StaysUndoableUntilItIsDecided) {
  took();
  EXPECT_EQ(errorOf([&] {
              changedDefinition(host_, "web", {{"disk", "normal"}});
            }),
            "the disk of context 'web' cannot be normal yet: what it changed since its start is "
            "neither kept nor discarded");
  EXPECT_NO_THROW(changedDefinition(host_, "web", {{"atStop", "keep"}}));
}

TEST_F(UndoTest, SparesItsSnapshotFromUsers) {
  took();
  const std::string said =
      "the snapshot 'vsd-undo' is an undoable disk's: vsd takes and removes it";
  EXPECT_EQ(errorOf([&] { checkSnapshotRemove(host_, "web", kUndoSnapshot); }), said);
  EXPECT_EQ(errorOf([&] { checkSnapshotRestore(host_, "web", kUndoSnapshot); }), said);
  EXPECT_EQ(errorOf([&] { checkSnapshotCreate(host_, "web", kUndoSnapshot); }), said);
}

TEST_F(UndoTest, GoesOnWithTheAnswerOfAVerbThatWasCutOff) {
  took();
  fake_.journal.begin("stop", "web", "root", R"({"name": "web", "undo": "discard"})");
  recover();
  waitForAll();
  EXPECT_EQ(fake_.storage->restored, back_);
  EXPECT_FALSE(isOpen());
}

TEST_F(UndoTest, IsSettledByTheDefinitionWhenVsdOrTheHostWasAway) {
  took();
  recover();
  waitForAll();
  EXPECT_TRUE(isOpen());  // ask
  define(Disk::Undoable, AtStop::Keep);
  recover();
  waitForAll();
  EXPECT_FALSE(isOpen());
  EXPECT_EQ(fake_.storage->restored, std::vector<std::string>{});
}

TEST_F(UndoTest, IsForgottenWhenItsStartDidNotComeToItsBoot) {
  const auto start = [&](const std::vector<std::string>& steps) {
    took();
    OperationPicture picture;
    picture.id = fake_.journal.begin("start", "web", "root", "{}");
    picture.verb = "start";
    picture.object = "web";
    for (const std::string& step : steps) picture.steps.push_back({step, StepState::Done, {}});
    fake_.journal.record(picture);
    recover();
  };
  start({kUndoStep, "attach the volume"});
  EXPECT_FALSE(isOpen());
  start({kUndoStep, "attach the volume", kBootStep});
  EXPECT_TRUE(isOpen());
}

TEST_F(UndoTest, IsOfOneThatRunsNoMore) {
  took();
  host_.contexts.setState("web", State::Starting);
  EXPECT_EQ(errorOf([&] { planUndo(host_, "web", UndoAnswer::Keep); }),
            "cannot keep what context 'web' changed: it is starting");
}

TEST_F(UndoTest, CanBeAnsweredByAStopOnlyWhereItIsOpen) {
  host_.contexts.setState("web", State::Starting);
  StopOptions options;
  options.manner = StopOptions::Manner::Kill;
  options.undo = UndoAnswer::Discard;
  EXPECT_EQ(errorOf([&] { planStop(host_, "web", options); }),
            "cannot discard what context 'web' changed: it was not started with an undoable disk");
  took();
  EXPECT_EQ(planStop(host_, "web", options).back(),
            "destroy what 'web' changed: put its volume back to the snapshot 'vsd-undo'");
  options.undo.reset();
  EXPECT_NE(planStop(host_, "web", options).back(),
            "destroy what 'web' changed: put its volume back to the snapshot 'vsd-undo'");
}

TEST_F(UndoTest, AReleasedVolumesTasksDoNotGoOn) {
  host_.contexts.setState("web", State::Starting);
  host_.contexts.setState("web", State::Running);
  host_.contexts.setState("web", State::Frozen);
  EXPECT_NO_THROW(checkThaw(host_, "web"));
  fake_.storage->released = true;
  EXPECT_EQ(errorOf([&] { checkThaw(host_, "web"); }),
            "cannot thaw context 'web': its volume has been released for another host");
  EXPECT_EQ(errorOf([&] { planStop(host_, "web", {}); }),
            "cannot stop context 'web': its volume has been released for another host");
  EXPECT_NO_THROW(planStop(host_, "web", {{}, StopOptions::Manner::Kill}));
}

}  // namespace
}  // namespace vs
