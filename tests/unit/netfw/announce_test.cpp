#include "netfw/announce.hpp"

#include <gtest/gtest.h>

#include "vsd/base/hash.hpp"

namespace vs::netfw {
namespace {

constexpr const char* kMac = "02:77:e0:e6:5c:30";

TEST(Announcements, OfIPv4AreARequestAndAReplyToEverybody) {
  const Address address = Address::parse("10.0.3.17").value();
  EXPECT_EQ(hexOf(arpRequestFrame(kMac, address)),
            "ffffffffffff"
            "0277e0e65c30"
            "0806"
            "0001080006040001"
            "0277e0e65c30"
            "0a000311"
            "000000000000"
            "0a000311");
  EXPECT_EQ(hexOf(arpReplyFrame(kMac, address)),
            "ffffffffffff"
            "0277e0e65c30"
            "0806"
            "0001080006040002"
            "0277e0e65c30"
            "0a000311"
            "0277e0e65c30"
            "0a000311");
}

TEST(Announcements, OfIPv6AreAdvertisementsThatOverride) {
  const std::string frame =
      hexOf(neighbourAdvertisementFrame(kMac, Address::parse("2001:db8:3::17").value()));
  EXPECT_EQ(frame.substr(0, 28),
            "333300000001"
            "0277e0e65c30"
            "86dd");
  EXPECT_EQ(frame.substr(28, 80),
            "6000000000203aff"
            "20010db8000300000000000000000017"
            "ff020000000000000000000000000001");
  EXPECT_EQ(frame.substr(108, 4), "8800");
  EXPECT_EQ(frame.substr(116),
            "20000000"
            "20010db8000300000000000000000017"
            "0201"
            "0277e0e65c30");
}

}  // namespace
}  // namespace vs::netfw
