#include "vsd/context/store.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"

namespace vs {
namespace {

Definition named(const std::string& name) {
  Definition d;
  d.name = name;
  d.uuid = "uuid of " + name;
  d.templateName = "debian13";
  d.hostname = name;
  d.ids = {0x80000, 65536};
  return d;
}

class StoreTest : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/vsd.db"; }
  TempDir directory_;
};

TEST_F(StoreTest, KeepsRecordsOverReopening) {
  {
    Store store(path());
    store.insert({named("a"), Goal::Stopped, false, ""});
    store.insert({named("b"), Goal::Stopped, false, ""});
    store.updateGoal("a", Goal::Running);
    store.updateEnded("a", "exited 1");
    store.markRemoving("b");
  }
  Store store(path());
  const std::vector<Record> records = store.all();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(toJson(records[0].definition), toJson(named("a")));
  EXPECT_EQ(records[0].goal, Goal::Running);
  EXPECT_EQ(records[0].ended, "exited 1");
  EXPECT_FALSE(records[0].removing);
  EXPECT_TRUE(records[1].removing);
}

TEST_F(StoreTest, RefusesASecondOfTheSameName) {
  Store store(path());
  store.insert({named("a"), Goal::Stopped, false, ""});
  try {
    store.insert({named("a"), Goal::Stopped, false, ""});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Exists);
    EXPECT_EQ(error.text(), "context 'a' exists already");
  }
}

TEST_F(StoreTest, TakesNetworksAllOrNone) {
  Store store(path());
  store.insertNetworks({{"vlan4", "{}"}, {"vlan3", "{}"}});
  EXPECT_THROW(store.insertNetworks({{"vlan5", "{}"}, {"vlan3", "{}"}}), Error);
  store.eraseNetwork("vlan4");
  store.eraseNetwork("vlan4");
  ASSERT_EQ(store.networks().size(), 1U);
  EXPECT_EQ(store.networks()[0].name, "vlan3");
}

TEST_F(StoreTest, RenamesAndErases) {
  Store store(path());
  store.insert({named("a"), Goal::Running, false, ""});
  store.rename("a", named("z"));
  ASSERT_EQ(store.all().size(), 1U);
  EXPECT_EQ(store.all()[0].definition.name, "z");
  EXPECT_EQ(store.all()[0].goal, Goal::Running);
  store.erase("z");
  store.erase("z");  // twice without harm
  EXPECT_TRUE(store.all().empty());
}

TEST_F(StoreTest, RefusesADamagedFileAndSaysHowToRecover) {
  {
    Store store(path());
    for (int i = 0; i < 200; ++i) {
      Definition d = named("c" + std::to_string(i));
      d.hosts = {std::string(2000, 'x')};
      store.insert({d, Goal::Stopped, false, ""});
    }
  }
  std::string bytes = readFile(path());
  for (std::size_t at = 4096; at + 64 < bytes.size(); at += 512)
    bytes.replace(at, 64, std::string(64, '\xa5'));
  writeAtomic(path(), bytes);
  try {
    Store store(path());
    FAIL() << "a damaged store was accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.text().find(path()), std::string::npos) << error.text();
    EXPECT_NE(error.hint().find("vsd --rebuild"), std::string::npos) << error.hint();
  }
  EXPECT_EQ(readFile(path()), bytes);  // left as it was, for whoever wants to look
}

TEST_F(StoreTest, RefusesWhatIsNoStore) {
  writeAtomic(path(), std::string(8192, 'n'));
  EXPECT_THROW(Store store(path()), Error);
}

}  // namespace
}  // namespace vs
