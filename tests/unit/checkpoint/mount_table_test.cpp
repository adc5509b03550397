#include "checkpoint/mount_table.hpp"

#include <gtest/gtest.h>

namespace vs::checkpoint {
namespace {

constexpr std::string_view kTable =
    "100 50 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "101 100 0:5 / /proc rw,nosuid master:3 shared:4 - proc proc rw\n"
    "102 101 0:5 /sys /proc/sys ro - proc proc rw\n"
    "103 100 0:30 / /srv/with\\040blank rw - tmpfs tmpfs rw\n"
    "104 100 0:31 / /mnt rw - tmpfs tmpfs rw\n"
    "105 104 0:32 / /mnt rw - tmpfs tmpfs rw\n"
    "106 100 0:33 / /a/b rw - tmpfs tmpfs rw\n"
    "107 106 0:34 / /a/b/c rw - tmpfs tmpfs rw\n"
    "108 100 0:35 / /a rw - ramfs ramfs rw\n"
    "109 100 0:36 / /ab rw - ramfs ramfs rw\n";

TEST(MountTable, HasWhatTheKernelSays) {
  const MountTable table(kTable);
  ASSERT_EQ(table.all().size(), 10U);
  EXPECT_EQ(table.root()->id, 100);
  EXPECT_EQ(table.find(101)->type, "proc");
  EXPECT_EQ(table.find(103)->point, "/srv/with blank");
  EXPECT_EQ(table.find(103)->device, "0:30");
  EXPECT_EQ(table.find(7), nullptr);
}

TEST(MountTable, KnowsWhatLiesBelowAnother) {
  const MountTable table(kTable);
  for (const int id : {104, 105, 106, 107}) EXPECT_TRUE(table.isCovered(*table.find(id))) << id;
  for (const int id : {100, 101, 102, 103, 108, 109})
    EXPECT_FALSE(table.isCovered(*table.find(id))) << id;
}

TEST(MountTable, SkipsWhatIsNoLineOfOne) {
  const MountTable table(
      "\n1 2\nx 1 8:1 / / rw - ext4 a b\n1 2 8:1 / / rw ext4 a b\n5 5 0:1 / / rw - tmpfs\n");
  ASSERT_EQ(table.all().size(), 1U);
  EXPECT_FALSE(table.isCovered(*table.find(5)));  // its own parent: no endless way up
  EXPECT_EQ(MountTable("").root(), nullptr);
}

}  // namespace
}  // namespace vs::checkpoint
