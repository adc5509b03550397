// Storages that come after vsd: what lies on them is recovered then.
#include "vsd/ops/recovery.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_host.hpp"

namespace vs {
namespace {

class RecoveryTest : public ::testing::Test {
 protected:
  void waitForAll() {
    for (const OperationPicture& each : fake_.operations.running()) {
      const auto operation = fake_.operations.findRunning(each.id);
      EXPECT_TRUE(!operation || operation->waitEnd(Millis(10'000)));
    }
  }

  test::FakeHost fake_;
  Recovery recovery_{fake_.host, fake_.journal, Boot::FirstStart};
};

TEST_F(RecoveryTest, TakesBackACreationThatWasCutOff) {
  fake_.journal.begin("create", "new", "root", R"({"name": "new"})");
  recovery_.begin();
  EXPECT_EQ(fake_.storage->destroyed, std::vector<std::string>{"new"});
  EXPECT_TRUE(fake_.journal.unfinished().empty());
}

TEST_F(RecoveryTest, WaitsForAStorageBeforeItTakesBackWhatIsOnIt) {
  fake_.storage->away = true;
  fake_.journal.begin("create", "new", "root", R"({"name": "new"})");
  recovery_.begin();
  recovery_.goOn();
  EXPECT_EQ(fake_.journal.unfinished().size(), 1U);
  fake_.storage->away = false;
  recovery_.lookForStorages();
  EXPECT_EQ(fake_.storage->destroyed, std::vector<std::string>{"new"});
  EXPECT_TRUE(fake_.journal.unfinished().empty());
}

TEST_F(RecoveryTest, FinishesARemovalWhenItsStorageIsThere) {
  fake_.add("web");
  fake_.contexts.markRemoving("web");
  fake_.storage->away = true;
  recovery_.begin();
  recovery_.goOn();
  EXPECT_TRUE(fake_.operations.running().empty());
  EXPECT_TRUE(fake_.contexts.findIfAny("web").has_value());
  fake_.storage->away = false;
  recovery_.lookForStorages();
  waitForAll();
  EXPECT_EQ(fake_.storage->destroyed, std::vector<std::string>{"web"});
  EXPECT_FALSE(fake_.contexts.findIfAny("web").has_value());
}

TEST_F(RecoveryTest, GivesUpWaitingForAStorageThatWasRemoved) {
  fake_.storage->away = true;
  fake_.journal.begin("create", "new", "root", R"({"name": "new"})");
  recovery_.begin();
  fake_.host.storages.remove("dir");
  recovery_.lookForStorages();
  EXPECT_TRUE(fake_.journal.unfinished().empty());
}

}  // namespace
}  // namespace vs
