#include "netfw/address.hpp"

#include <gtest/gtest.h>

namespace vs::netfw {
namespace {

Address address(const char* text) { return Address::parse(text).value(); }
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

TEST(Address, IsReadAndWrittenInItsUsualForm) {
  EXPECT_EQ(address("10.0.3.17").text(), "10.0.3.17");
  EXPECT_EQ(address("2001:DB8:0:0::1").text(), "2001:db8::1");
  EXPECT_EQ(address("10.0.3.17").hex(), "0a000311");
  EXPECT_EQ(address("10.0.3.17").family(), Family::IPv4);
  EXPECT_EQ(address("::").family(), Family::IPv6);
  for (const char* bad : {"", "10.0.3", "10.0.3.256", "010.0.3.17", "10.0.3.17 ", "10.0.3.17/24",
                          "::g", "fe80::1%eth0", "1:2", "host", "10.0.3.17.", "-1.0.0.0"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(Address, KnowsWhatKindItIs) {
  EXPECT_TRUE(address("239.1.1.1").isMulticast());
  EXPECT_TRUE(address("ff02::1").isMulticast());
  EXPECT_FALSE(address("10.1.1.1").isMulticast());
  EXPECT_TRUE(address("127.8.0.1").isLoopback());
  EXPECT_TRUE(address("::1").isLoopback());
  EXPECT_FALSE(address("::2").isLoopback());
  EXPECT_TRUE(address("fe80::1").isLinkLocal());
  EXPECT_TRUE(address("febf::1").isLinkLocal());
  EXPECT_FALSE(address("fec0::1").isLinkLocal());
  EXPECT_TRUE(address("169.254.1.1").isLinkLocal());
  EXPECT_TRUE(address("::").isUnspecified());
}

TEST(Prefix, TakesShortFormsOfIPv4AndRefusesBitsBehindItsLength) {
  EXPECT_EQ(prefix("10.0.3.0/24").text(), "10.0.3.0/24");
  EXPECT_EQ(prefix("0/0").text(), "0.0.0.0/0");
  EXPECT_EQ(prefix("10.7/16").text(), "10.7.0.0/16");
  EXPECT_EQ(prefix("10.7.21.12").text(), "10.7.21.12/32");
  EXPECT_EQ(prefix("::/0").text(), "::/0");
  EXPECT_EQ(prefix("2001:db8::/64").text(), "2001:db8::/64");
  for (const char* bad : {"10.0.3.7/24", "10.0.3.0/33", "10.0.3.0/", "10.0.3.0/-1", "/24", "10",
                          "2001:db8::1/64", "::/129", "10.0.0.0.0/8", "10./8", "10.0.3.0/2 4"})
    EXPECT_FALSE(Prefix::parse(bad)) << bad;
}

TEST(Prefix, ContainsAddressesOfItsFamilyOnly) {
  EXPECT_TRUE(prefix("10.0.3.0/24").contains(address("10.0.3.255")));
  EXPECT_FALSE(prefix("10.0.3.0/24").contains(address("10.0.4.0")));
  EXPECT_TRUE(prefix("0/0").contains(address("255.255.255.255")));
  EXPECT_FALSE(prefix("0/0").contains(address("::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("0.0.0.0")));
  EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
  EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.7/16")));
  EXPECT_TRUE(prefix("10.7/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("10.6/16").overlaps(prefix("10.7/16")));
}

TEST(Prefix, KeepsItsFirstAndLastAddressForItself) {
  EXPECT_TRUE(prefix("10.0.3.0/24").isReserved(address("10.0.3.0")));
  EXPECT_TRUE(prefix("10.0.3.0/24").isReserved(address("10.0.3.255")));
  EXPECT_FALSE(prefix("10.0.3.0/24").isReserved(address("10.0.3.1")));
  EXPECT_FALSE(prefix("10.0.3.0/31").isReserved(address("10.0.3.0")));
  EXPECT_FALSE(prefix("10.0.3.9").isReserved(address("10.0.3.9")));
  EXPECT_TRUE(prefix("2001:db8::/64").isReserved(address("2001:db8::")));
  EXPECT_FALSE(prefix("2001:db8::/64").isReserved(address("2001:db8::ffff:ffff:ffff:ffff")));
}

}  // namespace
}  // namespace vs::netfw
