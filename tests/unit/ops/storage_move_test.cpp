#include "vsd/ops/storage_move.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_host.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

// A second storage, in a directory of its own.
class OtherStorage : public storage::DirEngine {
 public:
  using DirEngine::DirEngine;
  const std::string& name() const override { return name_; }

 private:
  const std::string name_ = "other";
};

class StorageMoveTest : public testing::Test {
 protected:
  StorageMoveTest() {
    fake_.add("web");
    host_.storages.add(other_);
  }

  std::string errorOf(StorageMoveRequest request) {
    try {
      planStorageMove(host_, request);
    } catch (const Error& error) {
      return error.text();
    }
    return "no error";
  }
  void change(const std::function<void(Definition&)>& how) {
    Definition definition = host_.contexts.find("web").definition;
    how(definition);
    host_.contexts.replaceDefinition(definition);
  }
  void makeOther(const std::string& definition) {
    other_->createEmpty({"web", "t", {}, definition});
  }

  TempDir directory_;
  FakeRunner runner_;  // of the other storage
  test::FakeHost fake_;
  const Host& host_ = fake_.host;
  std::shared_ptr<OtherStorage> other_ =
      std::make_shared<OtherStorage>(Paths{directory_.path(), ""}, runner_);
};

TEST_F(StorageMoveTest, IsPlannedWithTheOldVolumeRemovedLast) {
  EXPECT_EQ(
      planStorageMove(host_, {"web", "other"}),
      (std::vector<std::string>{
          "measure the tree of the volume 'web' (dir)", "make the empty volume 'web' (other)",
          "pack the tree and unpack it there, each in a cage, and verify it",
          "record that context 'web' lies on storage 'other'", "remove the volume 'web' (dir)"}));
}

TEST_F(StorageMoveTest, RefusesWhatCannotBe) {
  EXPECT_EQ(errorOf({"web", "dir"}),
            "cannot move context 'web' to storage 'dir': it lies there already");
  EXPECT_EQ(errorOf({"web", "nowhere"}), "there is no storage 'nowhere' on this host");
  EXPECT_EQ(errorOf({"db", "other"}), "there is no context 'db'");
  host_.contexts.setState("web", State::Starting);
  EXPECT_EQ(errorOf({"web", "other"}),
            "cannot move context 'web' to storage 'other': it is starting");
}

TEST_F(StorageMoveTest, LosesSnapshotsOnlyWhenTold) {
  fake_.storage->createSnapshot("web", "mine", storage::MadeBy::User);
  EXPECT_EQ(errorOf({"web", "other"}),
            "cannot move context 'web' to storage 'other': it has 1 snapshot, which cannot go "
            "along");
  EXPECT_EQ(planStorageMove(host_, {"web", "other", StorageMoveRequest::Snapshots::Lose}).back(),
            "remove the volume 'web' (dir) and its 1 snapshot");
}

TEST_F(StorageMoveTest, TakesNothingToWhereItCannotBeKept) {
  change([](Definition& definition) { definition.schedule.keep = {{Period::Daily, 7}}; });
  EXPECT_EQ(errorOf({"web", "other"}),
            "cannot move context 'web' to storage 'other': it has a schedule, and that storage has "
            "no snapshots");
  change([](Definition& definition) { definition.disk = Disk::Undoable; });
  EXPECT_EQ(errorOf({"web", "other"}),
            "cannot move context 'web' to storage 'other': its disk is undoable, and that storage "
            "has no snapshots");
  fake_.storage->createSnapshot("web", kUndoSnapshot, storage::MadeBy::Undo);
  EXPECT_EQ(errorOf({"web", "other", StorageMoveRequest::Snapshots::Lose}),
            "cannot move context 'web' to storage 'other': what it changed when it last ran is "
            "neither kept nor discarded yet");
}

TEST_F(StorageMoveTest, SparesAVolumeThatIsThere) {
  makeOther("{}");
  EXPECT_EQ(errorOf({"web", "other"}),
            "storage 'other' has a volume 'web' already, of no context of this host");
}

TEST_F(StorageMoveTest, CutOffLeavesTheVolumeThatIsOnRecord) {
  makeOther("");
  runner_.answer({});  // rm
  finishStorageMove(host_, "web", "dir", "other");
  EXPECT_FALSE(other_->hasVolume("web"));

  makeOther("{}");
  change([](Definition& definition) { definition.storage = "other"; });
  finishStorageMove(host_, "web", "dir", "other");
  EXPECT_TRUE(other_->hasVolume("web"));
}

TEST_F(StorageMoveTest, CutOffSparesWhatIsOfAnotherContext) {
  makeOther(R"({"uuid": "00000000-0000-4000-8000-000000000000"})");
  finishStorageMove(host_, "web", "dir", "other");
  EXPECT_TRUE(other_->hasVolume("web"));
}

}  // namespace
}  // namespace vs
