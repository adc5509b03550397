// The handlers against the interface file.
#include "vsd/api/handlers.hpp"

#include <gtest/gtest.h>

#include "interface_text.hpp"
#include "tests/support/fake_host.hpp"

namespace vs::api {
namespace {

class Handlers : public testing::Test {
 protected:
  Handlers() {
    addAllHandlers(service_, fake_.host, "1");
    fake_.add("web");
  }

  // The reply's parameters, which must fit the interface.
  Json call(const std::string& method, const Json& parameters) {
    Call call;
    call.parameters = parameters;
    const Service::Result result = service_.handle("io.vsd." + method, call);
    if (!result.reply) return {};
    EXPECT_FALSE(result.reply->contains("error")) << *result.reply;
    const Json answer = result.reply->at("parameters");
    EXPECT_NO_THROW(service_.checkReply(method, answer)) << answer;
    return answer;
  }

  test::FakeHost fake_;
  Service service_{std::string(kInterfaceText), "1"};
};

TEST_F(Handlers, AreThereForEachMethodAndNoOther) {
  EXPECT_EQ(service_.disagreements(), std::vector<std::string>{});
}

TEST_F(Handlers, TellOfSnapshotsAndTheirScheduleAsTheInterfaceSays) {
  Definition scheduled = fake_.contexts.find("web").definition;
  scheduled.schedule.keep = {{Period::Hourly, 24}};
  fake_.contexts.replaceDefinition(scheduled);
  fake_.contexts.setSnapshotTrouble("web", "the pool is full");
  fake_.storage->createSnapshot("web", "auto-hourly-20261121-2100", storage::MadeBy::Schedule);
  fake_.storage->createSnapshot("web", "mine", storage::MadeBy::User);

  const Json list = call("SnapshotList", {{"name", "web"}});
  EXPECT_EQ(list.at("snapshots").at(0).at("by"), "schedule");
  EXPECT_EQ(list.at("snapshots").at(1).at("by"), "user");
  EXPECT_EQ(list.at("trouble"), "the pool is full");
  const Json rules = call("SnapshotScheduleShow", {{"name", "web"}});
  EXPECT_EQ(rules.at("rules").at(0).at("kept"), 1);
  EXPECT_EQ(rules.at("trouble"), "the pool is full");
  EXPECT_EQ(call("List", Json::object()).at("contexts").at(0).at("definition").at("schedule"),
            (Json{{"hourly", 24}}));
  const Json plan =
      call("SnapshotSchedule", {{"name", "web"}, {"schedule", {{"daily", 7}}}, {"dryRun", true}});
  EXPECT_EQ(plan.at("plan").at(0),
            "snapshots of context 'web' that are taken by themselves: 24 hourly -> 7 daily");
}

TEST_F(Handlers, WantADescriptorForAComparison) {
  fake_.storage->createSnapshot("web", "mine", storage::MadeBy::User);
  Call call;
  call.parameters = {{"name", "web"}, {"snapshot", "mine"}};
  const Service::Result result = service_.handle("io.vsd.SnapshotDiff", call);
  ASSERT_TRUE(result.reply);
  EXPECT_EQ(result.reply->at("error"), "io.vsd.InvalidParameter");
}

}  // namespace
}  // namespace vs::api
