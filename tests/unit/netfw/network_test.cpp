#include "netfw/network.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "vsd/base/error.hpp"

namespace vs::netfw {
namespace {

using Texts = std::vector<std::string>;

Address address(const char* text) { return Address::parse(text).value(); }
Subnet subnet(const char* prefix, const char* gateway = nullptr) {
  Subnet made{Prefix::parse(prefix).value(), {}};
  if (gateway != nullptr) made.gateway = address(gateway);
  return made;
}
Network vlan3() {
  Network network;
  network.name = "vlan3";
  network.vlan = 3;
  network.subnets = {subnet("10.0.3.0/24", "10.0.3.1"), subnet("2001:db8:3::/64", "fe80::1")};
  network.domain = "foo.bar";
  network.dns = {address("10.0.3.5"), address("10.0.3.6")};
  return network;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.text();
  }
  return "accepted";
}

TEST(Networks, OfEachKindMayBeFine) {
  EXPECT_EQ(problemsOf(vlan3()), Texts());
  Network nat{"inside", NetworkKind::Nat, 0, "", {subnet("192.168.7.0/24", "192.168.7.1")}};
  EXPECT_EQ(problemsOf(nat), Texts());
  Network isolated{"lonely", NetworkKind::Isolated, 0, "", {subnet("fd00:1::/64")}};
  EXPECT_EQ(problemsOf(isolated), Texts());
  for (const char* kind : {"vlan", "nat", "isolated", "routed"})
    EXPECT_EQ(nameOf(networkKindFrom(kind).value()), kind);
  EXPECT_FALSE(networkKindFrom("bridge"));
}

TEST(Networks, SayEverythingThatIsWrongAtOnce) {
  Network network{"Bad", NetworkKind::Vlan, 4095, "trunk/0"};
  network.subnets = {subnet("10.0.3.0/24", "10.0.4.1"), subnet("10.0.0.0/16", "10.0.255.255"),
                     subnet("fd00::/64")};
  network.domain = "foo..bar";
  network.dns = {address("0.0.0.0")};
  network.mtu = 1000;
  EXPECT_EQ(
      problemsOf(network),
      (Texts{"network name 'Bad' is not one: small letters, digits and '-', at most 41 of them",
             "VLAN 4095 is not from 1 to 4094", "'trunk/0' cannot be the name of a device",
             "gateway 10.0.4.1 is not in 10.0.3.0/24",
             "gateway 10.0.255.255 is the network's own or its broadcast address",
             "subnets 10.0.3.0/24 and 10.0.0.0/16 overlap", "'foo..bar' is no domain name",
             "0.0.0.0 cannot be a name server", "an MTU of 1000 is not from 1280 to 65521"}));
  try {
    checkNetwork(network);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_EQ(error.blockers().size(), 9U);
  }
  Network nat{"inside", NetworkKind::Nat, 3, "eth0", {subnet("192.168.7.0/24")}};
  EXPECT_EQ(problemsOf(nat),
            (Texts{"a network of kind nat has no VLAN", "a network of kind nat has no device",
                   "a nat network needs a gateway in 192.168.7.0/24: the address that this host "
                   "takes there"}));
  EXPECT_EQ(problemsOf(Network{"empty"}), Texts{"there is no subnet"});
}

TEST(Networks, StandInEachOthersWayByNameVlanOrSubnet) {
  Network other = vlan3();
  EXPECT_EQ(problemsBetween({vlan3(), other}).size(), 4U);
  other.name = "other";
  other.vlan = 4;
  other.subnets = {subnet("10.0.0.0/16")};  // around the first one, and no problem
  EXPECT_EQ(problemsBetween({vlan3(), other}), Texts());
  other.vlan = 3;
  EXPECT_EQ(problemsBetween({vlan3(), other}),
            Texts{"networks 'vlan3' and 'other' are both VLAN 3"});
  other.device = "trunk1";
  EXPECT_EQ(problemsBetween({vlan3(), other}), Texts());
}

TEST(NetworkOf, TakesTheMostSpecificSubnet) {
  Network wide{"wide", NetworkKind::Vlan, 4, "", {subnet("10.0.0.0/16", "10.0.0.1")}};
  for (const auto& networks :
       {std::vector<Network>{wide, vlan3()}, std::vector<Network>{vlan3(), wide}}) {
    EXPECT_EQ(networkOf(address("10.0.3.17"), networks).network->name, "vlan3");
    EXPECT_EQ(networkOf(address("10.0.4.17"), networks).network->name, "wide");
    const Place place = networkOf(address("2001:db8:3::17"), networks);
    EXPECT_EQ(place.subnet->gateway, address("fe80::1"));
  }
}

TEST(NetworkOf, RefusesAddressesThatNoContextCanHave) {
  const std::vector<Network> networks{vlan3()};
  const auto asked = [&](const char* text, const std::vector<Network>& in) {
    return refusal([&] { networkOf(address(text), in); });
  };
  EXPECT_EQ(asked("10.0.4.17", networks),
            "address 10.0.4.17 is in no network; known are: vlan3 10.0.3.0/24 2001:db8:3::/64");
  EXPECT_EQ(asked("10.0.4.17", {}), "address 10.0.4.17 is in no network; there is none yet");
  EXPECT_EQ(asked("10.0.3.0", networks), "address 10.0.3.0 is the network address of 10.0.3.0/24");
  EXPECT_EQ(asked("10.0.3.255", networks),
            "address 10.0.3.255 is the broadcast address of 10.0.3.0/24");
  EXPECT_EQ(asked("10.0.3.1", networks), "address 10.0.3.1 is the gateway of network 'vlan3'");
  Network twin = vlan3();
  twin.name = "twin";
  EXPECT_EQ(asked("10.0.3.17", {vlan3(), twin}),
            "address 10.0.3.17 is in network 'vlan3' and in 'twin'");
}

TEST(NetworksConf, IsReadAsVsToolsWroteIt) {
  const auto networks = parseNetworksConf(
      "# the old pool\n"
      "\n"
      "3,10.0.3.0/24,10.0.3.1,foo.bar,10.0.3.5 10.0.3.6\n"
      "  4 , 10.0.4.0/24 , 10.0.4.1   # no domain\r\n"
      "3,2001:db8:3::/64,fe80::1\n"
      "5,10.0.5.0/24,,bar",
      "networks.conf");
  Network four{"vlan4", NetworkKind::Vlan, 4, "", {subnet("10.0.4.0/24", "10.0.4.1")}};
  Network five{"vlan5", NetworkKind::Vlan, 5, "", {subnet("10.0.5.0/24")}, "bar"};
  EXPECT_EQ(networks, (std::vector<Network>{vlan3(), four, five}));
}

TEST(NetworksConf, SaysEveryProblemWithItsPlace) {
  try {
    parseNetworksConf(
        "x,10.0.3.0/24,10.0.3.1\n"
        "3,10.0.3.7/24, nobody,foo.bar,10.0.3.5  ten\n"
        "4,10.0.4.0/24\n"
        "5,10.0.5.0/24,10.0.6.1\n"
        "6,10.0.6.0,10.0.6.1\n"
        "7,10.0.7.0/24,10.0.7.1,a\n"
        "7,fd00::/64,fd00::1,b\n",
        "networks.conf");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_EQ(error.blockers(),
              (Texts{"networks.conf:1:1: 'x' is no VLAN: a number from 1 to 4094",
                     "networks.conf:2:3: '10.0.3.7/24' is no network: ADDRESS/LENGTH with nothing "
                     "set behind the length, as 10.0.3.0/24",
                     "networks.conf:2:16: 'nobody' is no address",
                     "networks.conf:2:41: 'ten' is no address",
                     "networks.conf:3:1: 2 fields, but a line is "
                     "vlan,network/prefix,gateway[,domain[,nameserver nameserver...]]",
                     "networks.conf:4:1: gateway 10.0.6.1 is not in 10.0.5.0/24",
                     "networks.conf:5:3: '10.0.6.0' is no network: ADDRESS/LENGTH with nothing set "
                     "behind the length, as 10.0.3.0/24",
                     "networks.conf:7:1: VLAN 7 has the domain 'a' already"}));
  }
}

}  // namespace
}  // namespace vs::netfw
