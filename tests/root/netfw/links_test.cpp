// Links through the real kernel: what apply() makes is there and works, and goes again.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include "netfw/netlink.hpp"
#include "tests/root/netfw/world.hpp"
#include "vsd/base/error.hpp"

#include "vsd/base/file.hpp"

namespace vs::netfw::test {
namespace {

using Texts = std::vector<std::string>;
using Links = World;

// Numbers and names of the host's devices: those of a device that was made anew are others.
std::string devices() {
  std::string names;
  const std::string lines = ip(-1, {"-o", "link"});
  for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1)
    names += lines.substr(at, lines.find('<', at) - at);
  return names;
}

TEST_F(Links, GiveAContextItsAddressAtOnce) {
  const Context web = makeContext("web1", 17);
  EXPECT_EQ(ourDevices(), (Texts{"vs0-web1", "vsb-inner"}));
  const std::string inside = ip(web.netns.get(), {"-o", "addr", "show", "dev", "eth0"});
  EXPECT_NE(inside.find("inet 192.168.7.17/24 brd 192.168.7.255"), std::string::npos) << inside;
  EXPECT_NE(inside.find("inet6 fd00:7::17/64"), std::string::npos) << inside;
  EXPECT_EQ(inside.find("tentative"), std::string::npos) << inside;
  const std::string link = ip(web.netns.get(), {"-o", "link", "show", "dev", "eth0"});
  EXPECT_NE(link.find(web.link.mac), std::string::npos) << link;
  // The host has no address on any of it.
  EXPECT_EQ(ip(-1, {"-o", "addr"}).find("vs"), std::string::npos) << ip(-1, {"-o", "addr"});
  EXPECT_NE(ip(-1, {"link", "show", "vs0-web1"}).find("alias context web1"), std::string::npos);
}

TEST_F(Links, CarryPacketsBetweenContextsOfOneNetwork) {
  const Context web = makeContext("web1", 17);
  const Context db = makeContext("a-context-with-a-rather-long-name", 18);
  for (const Family family : {Family::IPv4, Family::IPv6}) {
    EXPECT_TRUE(canPing(web, db, family)) << nameOf(family);
    EXPECT_TRUE(canUdp(web, db, 53, family)) << nameOf(family);
    EXPECT_TRUE(canTcp(db, web, 80, family)) << nameOf(family);
  }
  unplug(db.link);
  EXPECT_FALSE(canPing(web, db, Family::IPv4));
  plug(db.link, db.netns.get());
  EXPECT_TRUE(canPing(web, db, Family::IPv4));
}

TEST_F(Links, AnswerAsSoonAsTheyAreMade) {
  const Context web = makeContext("web1", 17);
  std::chrono::milliseconds slowest{0};
  for (int number = 20; number < 30; ++number) {
    const auto began = std::chrono::steady_clock::now();
    const Context db = makeContext("db" + std::to_string(number), number);
    EXPECT_TRUE(canPing(web, db, Family::IPv4));
    const auto took = std::chrono::steady_clock::now() - began;
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
  }
  // The kernel's own delay for links that it finds not urgent is a second.
  EXPECT_LT(slowest.count(), 500);
  RecordProperty("slowest_ms", static_cast<int>(slowest.count()));
}

TEST_F(Links, GoWithTheirContextAndTheNetworkWithItsLast) {
  const Context web = makeContext("web1", 17);
  const Context db = makeContext("db1", 18);
  remove("web1");
  EXPECT_EQ(ourDevices(), (Texts{"vs0-db1", "vsb-inner"}));
  EXPECT_EQ(ip(web.netns.get(), {"-o", "link", "show", "dev", "eth0"}), "");
  EXPECT_THROW(removeNetwork("inner", ""), Error);
  remove("web1");
  remove("db1");
  EXPECT_EQ(ourDevices(), Texts());
  remove("db1");
  removeNetwork("inner", "");
}

TEST_F(Links, MayBeAppliedTwiceAndRepairWhatSomebodyBroke) {
  const Context web = makeContext("web1", 17);
  const Context db = makeContext("db1", 18);
  const std::string before = devices();
  apply(web.link, web.netns.get());
  EXPECT_EQ(devices(), before);
  ip(-1, {"link", "delete", "vsb-inner"});
  ip(web.netns.get(), {"addr", "flush", "dev", "eth0"});
  EXPECT_FALSE(canPing(web, db, Family::IPv4));
  apply(web.link, web.netns.get());
  apply(db.link, db.netns.get());
  EXPECT_TRUE(canPing(web, db, Family::IPv4));
  EXPECT_TRUE(canPing(web, db, Family::IPv6));
}

TEST_F(Links, OfANamespaceThatIsNewerReplaceThoseOfTheOld) {
  const Context old = makeContext("web1", 17);
  const Context web = makeContext("web1", 17);
  const Context db = makeContext("db1", 18);
  EXPECT_EQ(ip(old.netns.get(), {"-o", "link", "show", "dev", "eth0"}), "");
  EXPECT_TRUE(canPing(web, db, Family::IPv4));
}

TEST_F(Links, ReceiveNoMoreThanTheirRate) {
  Context web = makeContext("web1", 17);
  const auto queue = [&] {
    const Output output =
        runner_.run({.argv = {"/sbin/tc", "qdisc", "show", "dev", web.link.hostEnd}});
    return output.out;
  };
  web.link.shape = {8'000'000, 0, Bytes{64'000}};
  try {
    shape(web.link);
  } catch (const Error& error) {
    if (error.kind() == Kind::NotFound || error.kind() == Kind::Unsupported)
      GTEST_SKIP() << "this kernel has no token bucket: " << error.text();
    throw;
  }
  EXPECT_NE(queue().find("rate 8Mbit burst"), std::string::npos) << queue();
  web.link.shape.in *= 2;
  shape(web.link);
  EXPECT_NE(queue().find("rate 16Mbit burst"), std::string::npos) << queue();
  web.link.shape = {};
  shape(web.link);
  EXPECT_EQ(queue().find("tbf"), std::string::npos) << queue();
  shape(web.link);
}

TEST_F(Links, NeverTouchWhatIsNotOurs) {
  ip(-1, {"link", "add", "vs0-web1", "type", "veth", "peer", "name", "other"});
  const std::string before = devices();
  try {
    makeContext("web1", 17);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Exists);
    EXPECT_EQ(error.text(), "device 'vs0-web1' is there already, and not made by vsd");
  }
  EXPECT_EQ(ourDevices(), Texts());
  remove("web1");
  EXPECT_EQ(devices(), before);
}

TEST_F(Links, ThatFailHalfwayLeaveNothing) {
  Context web;
  web.netns = makeNamespace();
  web.link = planLink({"web1", "u", 0, LinkMode::Bridge, {Address::parse("192.168.7.17").value()}},
                      inner_);
  web.link.routes = {{Prefix::parse("0/0").value(), Address::parse("10.9.9.9").value()}};
  EXPECT_THROW(apply(web.link, web.netns.get()), Error);
  EXPECT_EQ(ourDevices(), Texts());
  EXPECT_EQ(ip(web.netns.get(), {"-o", "link", "show", "dev", "eth0"}), "");
}

// As a context's is: owned by a user namespace in which the host's root is nobody.
Fd makeForeignNamespace() {
  FdPair ready = makePipe();
  FdPair done = makePipe();
  const pid_t child = ::fork();
  if (child == 0) {
    ready.first.reset();
    done.second.reset();
    const char said = ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 'y' : 'n';
    char end = 0;
    ::_exit(::write(ready.second.get(), &said, 1) == 1 && ::read(done.first.get(), &end, 1) == 0
                ? 0
                : 1);
  }
  done.first.reset();
  char said = 0;
  EXPECT_EQ(::read(ready.first.get(), &said, 1), 1);
  EXPECT_EQ(said, 'y');
  const std::string proc = "/proc/" + std::to_string(child);
  writeExisting(proc + "/uid_map", "0 524288 65536");
  Fd netns = openFile(proc + "/ns/net", O_RDONLY);
  done.second.reset();
  ::waitpid(child, nullptr, 0);
  return netns;
}

TEST_F(Links, GoIntoANamespaceOfAnotherUserNamespace) {
  const Context db = makeContext("db1", 18);
  Context web;
  web.netns = makeForeignNamespace();
  web.ipv4 = Address::parse("192.168.7.17").value();
  web.ipv6 = Address::parse("fd00:7::17").value();
  web.link = planLink({"web1", "u", 0, LinkMode::Bridge, {web.ipv4, web.ipv6}}, inner_);
  apply(web.link, web.netns.get());
  plug(web.link, web.netns.get());
  EXPECT_TRUE(canPing(web, db, Family::IPv4));
  EXPECT_TRUE(canPing(db, web, Family::IPv6));
}

// A trunk: a veth pair whose other end is the wire.
Network vlan3() {
  Network network;
  network.name = "vlan3";
  network.vlan = 3;
  network.device = "trunk0";
  network.mtu = 1400;
  network.subnets = {{Prefix::parse("10.0.3.0/24").value(), Address::parse("10.0.3.1").value()}};
  return network;
}

TEST_F(Links, NeedTheirTrunkAndItToBeUp) {
  const Fd netns = makeNamespace();
  const LinkPlan plan =
      planLink({"web1", "u", 0, LinkMode::Bridge, {Address::parse("10.0.3.17").value()}}, vlan3());
  try {
    apply(plan, netns.get());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::NotFound);
    EXPECT_NE(error.text().find("this host has no device 'trunk0'"), std::string::npos);
  }
  ip(-1, {"link", "add", "trunk0", "type", "veth", "peer", "name", "wire"});
  try {
    apply(plan, netns.get());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidState);
    EXPECT_NE(error.text().find("device 'trunk0' is down"), std::string::npos);
  }
  EXPECT_EQ(ourDevices(), Texts());
}

class Trunk : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    ip(-1, {"link", "add", "trunk0", "type", "veth", "peer", "name", "wire"});
    ip(-1, {"link", "set", "trunk0", "up"});
    ip(-1, {"link", "set", "wire", "up"});
    web_.netns = makeNamespace();
    web_.ipv4 = Address::parse("10.0.3.17").value();
    wire_.netns = openFile("/proc/thread-self/ns/net", O_RDONLY);
    wire_.ipv4 = Address::parse("10.0.3.1").value();
  }
  // False when this kernel cannot make such a link: then it must say so and leave nothing.
  bool canApply(const Network& network, LinkMode mode, const char* hint) {
    web_.link = planLink({"web1", "u", 0, mode, {web_.ipv4}}, network);
    try {
      apply(web_.link, web_.netns.get());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::Unsupported) << error.text();
      EXPECT_EQ(error.hint(), hint);
      EXPECT_EQ(ourDevices(), Texts());
      return false;
    }
    plug(web_.link, web_.netns.get());
    return true;
  }

  Context web_;
  Context wire_;
};

TEST_F(Trunk, CarriesANetworkOnItsVlan) {
  if (!canApply(vlan3(), LinkMode::Bridge, "this kernel needs module 8021q")) return;
  EXPECT_EQ(ourDevices(), (Texts{"trunk0.3", "vs0-web1", "vsb-vlan3"}));
  EXPECT_NE(ip(web_.netns.get(), {"route"}).find("default via 10.0.3.1"), std::string::npos);
  EXPECT_NE(ip(web_.netns.get(), {"link", "show", "eth0"}).find("mtu 1400"), std::string::npos);
  ip(-1, {"link", "add", "link", "wire", "name", "other", "type", "vlan", "id", "4"});
  ip(-1, {"link", "set", "other", "up"});
  ip(-1, {"addr", "add", "10.0.3.1/24", "dev", "other"});
  EXPECT_FALSE(canPing(web_, wire_, Family::IPv4));
  ip(-1, {"link", "delete", "other"});
  ip(-1, {"link", "add", "link", "wire", "name", "right", "type", "vlan", "id", "3"});
  ip(-1, {"link", "set", "right", "up"});
  ip(-1, {"addr", "add", "10.0.3.1/24", "dev", "right"});
  EXPECT_TRUE(canPing(web_, wire_, Family::IPv4));
  // The trunk's own troubles are over when it is back.
  ip(-1, {"link", "set", "trunk0", "down"});
  EXPECT_FALSE(canPing(web_, wire_, Family::IPv4));
  ip(-1, {"link", "set", "trunk0", "up"});
  bool isBack = false;
  for (int i = 0; i < 20 && !isBack; ++i) isBack = canPing(web_, wire_, Family::IPv4);
  EXPECT_TRUE(isBack);
  remove("web1");
  EXPECT_EQ(ourDevices(), Texts());
}

// A device has either kind on it: the next one has a trunk of its own.
class Bare : public Trunk, public testing::WithParamInterface<LinkMode> {};

TEST_P(Bare, LinksAreOnTheTrunkItself) {
  ip(-1, {"addr", "add", "10.0.3.1/24", "dev", "wire"});
  Network network = vlan3();
  network.vlan = 0;
  if (!canApply(network, GetParam(), "")) return;
  apply(web_.link, web_.netns.get());
  EXPECT_EQ(ourDevices(), Texts());  // the host has nothing to clean up
  EXPECT_TRUE(canPing(web_, wire_, Family::IPv4));
}
INSTANTIATE_TEST_SUITE_P(Trunk, Bare, testing::Values(LinkMode::Macvlan, LinkMode::Ipvlan));

TEST_F(Trunk, KeepsTheVlanOfAMacvlanUntilItsNetworkGoes) {
  if (!canApply(vlan3(), LinkMode::Macvlan, "this kernel needs module 8021q")) return;
  EXPECT_EQ(ourDevices(), Texts{"trunk0.3"});
  remove("web1");
  EXPECT_EQ(ourDevices(), Texts{"trunk0.3"});
  removeNetwork("vlan3", web_.link.vlanDevice);
  EXPECT_EQ(ourDevices(), Texts());
}

}  // namespace
}  // namespace vs::netfw::test
