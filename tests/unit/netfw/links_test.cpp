#include "netfw/links.hpp"

#include <gtest/gtest.h>

#include <set>

#include "netfw/nat.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::netfw {
namespace {

using Texts = std::vector<std::string>;

Address address(const char* text) { return Address::parse(text).value(); }
Network vlan3() {
  Network network;
  network.name = "vlan3";
  network.vlan = 3;
  network.subnets = {{Prefix::parse("10.0.3.0/24").value(), address("10.0.3.1")},
                     {Prefix::parse("10.0.4.0/24").value(), address("10.0.4.1")},
                     {Prefix::parse("2001:db8:3::/64").value(), address("fe80::1")}};
  return network;
}
LinkWish web1() {
  return {"web1",
          "6a0f2f4e-9d6a-4f8e-8f43-0c5d1f6f1b11",
          0,
          LinkMode::Bridge,
          {address("10.0.3.17"), address("2001:db8:3::17"), address("10.0.4.17")}};
}
std::string refusal(const LinkWish& wish, const Network& network, const char* device = "trunk0") {
  try {
    planLink(wish, network, device);
  } catch (const Error& error) {
    return error.text();
  }
  return "accepted";
}

TEST(PlanLink, PutsAContextOnABridgeAboveItsVlan) {
  Network network = vlan3();
  network.mtu = 1400;
  EXPECT_EQ(describe(planLink(web1(), network, "trunk0")),
            (Texts{"VLAN 3 of trunk0 as trunk0.3, unless it is there",
                   "bridge vsb-vlan3 of network vlan3, unless it is there",
                   "link vs0-web1 to eth0 inside, MAC 02:f6:e6:a9:77:5e, MTU 1400",
                   "address 10.0.3.17/24 on eth0", "address 2001:db8:3::17/64 on eth0",
                   "address 10.0.4.17/24 on eth0", "route 0.0.0.0/0 by 10.0.3.1",
                   "route ::/0 by fe80::1"}));
}

TEST(PlanLink, PutsMacvlanAndIpvlanOnTheDeviceItself) {
  LinkWish wish = web1();
  wish.index = 1;
  wish.mode = LinkMode::Macvlan;
  wish.addresses = {address("10.0.3.17")};
  EXPECT_EQ(describe(planLink(wish, vlan3(), "trunk0")),
            (Texts{"VLAN 3 of trunk0 as trunk0.3, unless it is there",
                   "macvlan eth1 on trunk0.3, MAC " + macFor(wish.uuid, 1),
                   "address 10.0.3.17/24 on eth1", "route 0.0.0.0/0 by 10.0.3.1"}));
  wish.mode = LinkMode::Ipvlan;
  Network untagged = vlan3();
  untagged.vlan = 0;
  untagged.device = "eno1";
  EXPECT_EQ(describe(planLink(wish, untagged))[0], "ipvlan eth1 on eno1");
}

TEST(PlanLink, GivesAnIsolatedNetworkABridgeAndNoDevice) {
  LinkWish wish = web1();
  wish.addresses = {address("192.168.7.2")};
  const Network lonely{
      "lonely", NetworkKind::Isolated, 0, "", {{Prefix::parse("192.168.7.0/24").value(), {}}}};
  EXPECT_EQ(describe(planLink(wish, lonely, "trunk0")),
            (Texts{"bridge vsb-lonely of network lonely, unless it is there",
                   "link vs0-web1 to eth0 inside, MAC " + macFor(wish.uuid, 0),
                   "address 192.168.7.2/24 on eth0"}));
  wish.mode = LinkMode::Macvlan;
  EXPECT_EQ(refusal(wish, lonely),
            "a link of mode macvlan needs a device, and network 'lonely' is isolated");
}

TEST(PlanLink, RefusesWhatCannotBe) {
  EXPECT_EQ(refusal(web1(), vlan3(), ""),
            "network 'vlan3' has no device, and this host names none");
  LinkWish wish = web1();
  wish.addresses = {address("10.9.3.17")};
  EXPECT_EQ(refusal(wish, vlan3()).substr(0, 34), "address 10.9.3.17 is in no network");
  wish.index = kMostLinks;
  EXPECT_EQ(refusal(wish, vlan3()), "a context has at most 10 links");
  Network network = vlan3();
  network.vlan = 0;
  EXPECT_EQ(refusal(web1(), network),
            "network 'vlan3' is untagged: a bridge would cut 'trunk0' off from this host");
  network.kind = NetworkKind::Routed;
  EXPECT_EQ(refusal(web1(), network),
            "networks of kind routed cannot be used yet: network 'vlan3'");
}

TEST(PlanLink, GivesTheHostTheGatewaysAddressInANetworkBehindIt) {
  Network lan{"lan",
              NetworkKind::Nat,
              0,
              "",
              {{Prefix::parse("10.0.9.0/24").value(), address("10.0.9.1")}}};
  LinkWish wish = web1();
  wish.addresses = {address("10.0.9.2")};
  const LinkPlan plan = planLink(wish, lan);
  EXPECT_EQ(plan.bridge, "vsb-lan");
  EXPECT_EQ(plan.device, "");
  ASSERT_EQ(plan.bridgeAddresses.size(), 1U);
  EXPECT_EQ(plan.bridgeAddresses[0].text(), "10.0.9.1/24");
  Forward forward = parseForward("tcp:8080:80");
  forward.to = wish.addresses[0];
  EXPECT_EQ(natRulesFor(lan, {forward}), readFile(GOLDEN_DIR "/lan.nft"));
}

TEST(Forwards, AreReadOrRefusedByTheirText) {
  EXPECT_EQ(parseForward("udp:53").port, 53);
  EXPECT_EQ(parseForward("tcp:8080:80").port, 80);
  for (const char* text :
       {"", "tcp", "tcp:", "icmp:1", "tcp:0", "tcp:80:", "tcp:1:2:3", "tcp:65536", "8080:80"})
    EXPECT_THROW(parseForward(text), Error) << text;
}

TEST(DeviceNames, FitAndAreNeverTheSame) {
  EXPECT_EQ(hostEndName("web1", 0), "vs0-web1");
  EXPECT_EQ(hostEndName("abcdefghijk", 3), "vs3-abcdefghijk");
  EXPECT_EQ(hostEndName("abcdefghijkl", 3), "vs3.boctnssjnxa");
  EXPECT_EQ(bridgeName("vlan3"), "vsb-vlan3");
  EXPECT_EQ(vlanDeviceName("trunk0", 4094), "trunk0.4094");
  EXPECT_EQ(vlanDeviceName("enp129s0f1np1", 4094).substr(0, 4), "vsv.");
  std::set<std::string> names;
  const std::string base(36, 'a');
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = hostEndName(base + std::to_string(i), i % kMostLinks);
    EXPECT_EQ(name.size(), 15U);
    EXPECT_EQ(name[3], '.');
    names.insert(name.substr(4));
  }
  EXPECT_EQ(names.size(), 20'000U);
}

TEST(MacAddresses, FollowFromTheUuidAndAreLocal) {
  EXPECT_EQ(macFor("u", 0), macFor("u", 0));
  EXPECT_NE(macFor("u", 0), macFor("u", 1));
  EXPECT_NE(macFor("u", 1), macFor("v", 1));
  EXPECT_EQ(macFor("u", 0).size(), 17U);
  EXPECT_EQ(macFor("u", 0).substr(0, 3), "02:");
}

}  // namespace
}  // namespace vs::netfw
