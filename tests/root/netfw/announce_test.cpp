// Announcements believed by the real kernel of a neighbour, and probes answered by it.
#include "netfw/announce.hpp"

#include <thread>

#include "netfw/netlink.hpp"
#include "tests/root/netfw/world.hpp"
#include "vsd/base/error.hpp"

namespace vs::netfw::test {
namespace {

using Announce = World;

TEST_F(Announce, TurnsTheNeighboursToTheNewPlace) {
  const Context client = makeContext("client", 2);
  // The same address with another MAC address, as if the context had another host.
  const Context old = makeContext("web1", 17);
  EXPECT_TRUE(canPing(client, old, Family::IPv4));
  EXPECT_TRUE(canPing(client, old, Family::IPv6));
  remove("web1");
  const Context web = makeContext("web2", 17);
  ASSERT_NE(web.link.mac, old.link.mac);
  const auto known = [&client](const char* family) {
    return ip(client.netns.get(), {family, "neigh", "show", "dev", "eth0"});
  };
  EXPECT_NE(known("-4").find(old.link.mac), std::string::npos) << known("-4");
  EXPECT_NE(known("-6").find(old.link.mac), std::string::npos) << known("-6");
  // A kernel ignores news within a second of the last (locktime, arp(7)).
  for (int i = 0; i < 30 && known("-4").find(web.link.mac) == std::string::npos; ++i) {
    announce(web.link, web.netns.get());
    std::this_thread::sleep_for(Millis(100));
  }
  EXPECT_NE(known("-4").find("192.168.7.17 lladdr " + web.link.mac), std::string::npos)
      << known("-4");
  EXPECT_NE(known("-6").find("fd00:7::17 lladdr " + web.link.mac), std::string::npos)
      << known("-6");
  EXPECT_TRUE(canPing(client, web, Family::IPv4));
  EXPECT_TRUE(canPing(client, web, Family::IPv6));
}

TEST_F(Announce, FindsOutWhetherAnAddressIsInUse) {
  const Context client = makeContext("client", 2);
  const Context web = makeContext("web1", 17);
  const auto asked = [&client](const Address& address) {
    return probe(client.link, client.netns.get(), address, Millis(300));
  };
  EXPECT_EQ(asked(web.ipv4), web.link.mac);
  EXPECT_EQ(asked(web.ipv6), web.link.mac);
  EXPECT_EQ(asked(Address::parse("192.168.7.99").value()), std::nullopt);
  EXPECT_EQ(asked(Address::parse("fd00:7::99").value()), std::nullopt);
}

TEST_F(Announce, NeedsTheLink) {
  Context web = makeContext("web1", 17);
  remove("web1");
  EXPECT_THROW(announce(web.link, web.netns.get()), Error);
}

}  // namespace
}  // namespace vs::netfw::test
