#include "vsd/unpack/attributes.hpp"

#include <gtest/gtest.h>
#include <linux/posix_acl.h>

namespace vs::unpack {
namespace {

using namespace std::string_literals;

const std::string kCapabilityV2 = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
const std::string kCapabilityV3 = "\x01\0\0\x03\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\x42\x0f\0"s;

TEST(Attributes, KeepsWhatBelongsToFilesAndDropsWhatBelongsToMachines) {
  const auto isKept = [](const char* name, EntryType type) {
    return acceptAttribute({name, "v"}, type).has_value();
  };
  EXPECT_TRUE(isKept("user.comment", EntryType::File));
  EXPECT_TRUE(isKept("user.comment", EntryType::Directory));
  EXPECT_TRUE(isKept("system.posix_acl_access", EntryType::File));
  EXPECT_TRUE(isKept("system.posix_acl_default", EntryType::Directory));
  EXPECT_FALSE(isKept("system.posix_acl_default", EntryType::File));
  EXPECT_FALSE(isKept("user.comment", EntryType::Link));
  EXPECT_FALSE(isKept("trusted.overlay.opaque", EntryType::Directory));
  EXPECT_FALSE(isKept("security.selinux", EntryType::File));
  EXPECT_FALSE(isKept("security.capability", EntryType::Directory));
}

TEST(Attributes, MakesEveryFileCapabilityCountForTheContextsOwnRoot) {
  const Attribute expected{"security.capability", kCapabilityV2};
  EXPECT_EQ(acceptAttribute({"security.capability", kCapabilityV2}, EntryType::File), expected);
  EXPECT_EQ(acceptAttribute({"security.capability", kCapabilityV3}, EntryType::File), expected);
}

TEST(Attributes, DropsFileCapabilitiesThatAreNone) {
  for (const std::string& value : {""s, "x"s, kCapabilityV2 + "more", kCapabilityV3.substr(0, 20),
                                   "\0\0\0\x01\0\0\0\0\0\0\0\0"s})
    EXPECT_EQ(acceptAttribute({"security.capability", value}, EntryType::File), std::nullopt);
}

TEST(Attributes, BringsAnAclIntoTheOrderOfTheKernel) {
  const std::string value = encodeAcl({{ACL_OTHER, 4},
                                       {ACL_MASK, 5},
                                       {ACL_USER, 7, 1001},
                                       {ACL_GROUP_OBJ, 5},
                                       {ACL_USER, 6, 33},
                                       {ACL_USER_OBJ, 7}});
  const std::vector<AclEntry> expected{{ACL_USER_OBJ, 7},  {ACL_USER, 6, 33}, {ACL_USER, 7, 1001},
                                       {ACL_GROUP_OBJ, 5}, {ACL_MASK, 5},     {ACL_OTHER, 4}};
  EXPECT_EQ(decodeAcl(value), expected);
  EXPECT_EQ(value.size(), 4U + 6 * 8U);
}

TEST(Attributes, FindsNoAclInOtherBytes) {
  EXPECT_TRUE(decodeAcl("").empty());
  EXPECT_TRUE(decodeAcl("\x01\0\0\0\x01\0\x07\0\xff\xff\xff\xff"s).empty());
}

}  // namespace
}  // namespace vs::unpack
