#include "vsd/kernel/externals.hpp"

#include <gtest/gtest.h>

#include <set>

#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"

namespace vs {
namespace {

TEST(Externals, EachHasAKeyOfItsOwnThatIsNoPath) {
  const auto mounts = externalMounts(defaultDevices(), defaultCovers(Isolation::System, 3));
  std::set<std::string> keys;
  for (const ExternalMount& mount : mounts) {
    EXPECT_TRUE(keys.insert(mount.key).second) << mount.key;
    EXPECT_EQ(mount.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
              std::string::npos)
        << mount.key;
    EXPECT_TRUE(mount.key.starts_with("vsd-")) << mount.key;
  }
}

TEST(Externals, AreDevicesCoversAndTheCgroupTree) {
  const auto mounts =
      externalMounts({{"null", 1, 3}}, {{"/proc/kcore"}, {"/sys/firmware"}, {"/proc/sys"}, {}});
  ASSERT_EQ(mounts.size(), 4U);
  EXPECT_EQ(mounts[0].path, "/dev/null");
  EXPECT_EQ(mounts[0].key, "vsd-dev-null");
  EXPECT_EQ(mounts[0].kind, ExternalMount::Kind::Device);
  EXPECT_EQ(mounts[1].kind, ExternalMount::Kind::Nothing);
  EXPECT_EQ(mounts[2].path, "/sys/firmware");
  EXPECT_EQ(mounts[3].path, "/sys/fs/cgroup");
  EXPECT_EQ(mounts[3].kind, ExternalMount::Kind::Cgroup);
}

}  // namespace
}  // namespace vs
