// What somebody takes away of our devices and rules is heard of; what he does with his own is not.
#include "netfw/watch.hpp"

#include "netfw/nft.hpp"
#include "tests/root/netfw/world.hpp"

namespace vs::netfw::test {
namespace {

class Watching : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    web_ = makeContext("web1", 17);
    load(rulesetFor("web1", {web_.link}, parseRules("allow from any to tcp:80", "fw")), runner_);
  }
  // All that comes until it is quiet.
  Heard heardAfter(Watch& watch, const std::vector<std::string>& nftWords) {
    if (!nftWords.empty()) runner_.mustRun(nft(nftWords), "change the rules");
    Heard all;
    for (Heard some = watch.wait(Millis(500)); some.any(); some = watch.wait(Millis(100))) {
      all.tables.merge(some.tables);
      all.devices |= some.devices;
      all.missed |= some.missed;
    }
    return all;
  }

  Context web_;
};

TEST_F(Watching, HearsOfRulesThatGo) {
  Watch watch;
  const std::set<std::string> ours{"vsd-web1"};
  EXPECT_EQ(heardAfter(watch, {"flush", "chain", "netdev", "vsd-web1", "from4"}).tables, ours);
  EXPECT_EQ(heardAfter(watch, {"delete", "table", "netdev", "vsd-web1"}).tables, ours);
}

TEST_F(Watching, HearsOfAllRulesThatGo) {
  Watch watch;
  const Heard heard = heardAfter(watch, {"flush", "ruleset"});
  EXPECT_TRUE(heard.tables.contains("vsd-web1"));
  EXPECT_FALSE(heard.devices);
}

TEST_F(Watching, HearsOfDevicesThatGo) {
  Watch watch;
  ip(-1, {"link", "del", web_.link.hostEnd});
  EXPECT_TRUE(heardAfter(watch, {}).devices);
}

TEST_F(Watching, HearsNothingOfOthers) {
  Watch watch;
  ip(-1, {"link", "add", "somebodys", "type", "veth", "peer", "name", "other"});
  ip(-1, {"link", "del", "somebodys"});
  EXPECT_FALSE(heardAfter(watch, {"add", "table", "inet", "mine"}).any());
  EXPECT_FALSE(heardAfter(watch, {"delete", "table", "inet", "mine"}).any());
}

}  // namespace
}  // namespace vs::netfw::test
