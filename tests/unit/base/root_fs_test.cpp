#include "vsd/base/root_fs.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

// A root file system with every kind of trap in it, beside a file that must never be touched.
class RootFsTest : public testing::Test {
 protected:
  RootFsTest() {
    makeDirectories(path_ + "/etc/real");
    writeAtomic(path_ + "/etc/hostname", "inside\n");
    writeAtomic(scratch_.path() + "/outside", "precious\n");
    link("/etc/hostname", "/absolute");
    link("../../outside", "/etc/escape");
    link("/etc/real", "/directory-link");
    link("loop", "/loop");
    link("/proc/self/root/etc/passwd", "/magic");
  }
  void link(const std::string& target, const std::string& at) {
    ASSERT_EQ(::symlink(target.c_str(), (path_ + at).c_str()), 0);
  }
  std::string outside() { return readFile(scratch_.path() + "/outside"); }

  TempDir scratch_;
  std::string path_ = scratch_.path() + "/root";
};

TEST_F(RootFsTest, ReadsThroughLinksAsTheContextWouldSeeThem) {
  const RootFs root(path_);
  EXPECT_EQ(root.readFile("/etc/hostname"), "inside\n");
  EXPECT_EQ(root.readFile("/absolute"), "inside\n");
  EXPECT_EQ(root.readFile("/none"), std::nullopt);
}

TEST_F(RootFsTest, NeverReadsOutside) {
  const RootFs root(path_);
  EXPECT_EQ(root.readFile("/etc/escape"), std::nullopt);  // "/outside" of the root: there is none
  EXPECT_EQ(root.readFile("/../outside"), std::nullopt);
  EXPECT_EQ(root.readFile("/magic"), std::nullopt);  // its own /proc, which is empty
  EXPECT_THROW(root.readFile("/loop"), Error);
}

TEST_F(RootFsTest, ReadsOnlyRegularFilesAndNeverBlocks) {
  ASSERT_EQ(::mkfifo((path_ + "/fifo").c_str(), 0600), 0);
  const RootFs root(path_);
  EXPECT_THROW(root.readFile("/fifo"), Error);
  EXPECT_THROW(root.readFile("/etc"), Error);
  EXPECT_THROW(root.readFile("/etc/hostname", 3), Error);
}

TEST_F(RootFsTest, WritesReplaceALinkInsteadOfFollowingIt) {
  const RootFs root(path_);
  root.writeFile("/etc/escape", "mine\n", 0644);
  EXPECT_EQ(root.entryAt("/etc/escape"), RootFs::Entry::File);
  EXPECT_EQ(root.readFile("/etc/escape"), "mine\n");
  EXPECT_EQ(outside(), "precious\n");
}

TEST_F(RootFsTest, WritesThroughNoLinkedDirectory) {
  const RootFs root(path_);
  EXPECT_THROW(root.writeFile("/directory-link/file", "x", 0644), Error);
  EXPECT_THROW(root.writeFile("/etc/../../outside", "x", 0644), Error);
  EXPECT_THROW(root.makeDirectory("/directory-link/sub", 0755), Error);
  EXPECT_THROW(root.removeFile("/etc/../../outside"), Error);
  EXPECT_EQ(outside(), "precious\n");
  EXPECT_EQ(listDirectory(path_ + "/etc/real"), std::vector<std::string>{});
}

TEST_F(RootFsTest, TellsWhatStandsAtAPath) {
  const RootFs root(path_);
  EXPECT_EQ(root.entryAt("/etc"), RootFs::Entry::Directory);
  EXPECT_EQ(root.entryAt("/etc/hostname"), RootFs::Entry::File);
  EXPECT_EQ(root.entryAt("/directory-link"), RootFs::Entry::Link);
  EXPECT_EQ(root.entryAt("/none"), RootFs::Entry::None);
}

}  // namespace
}  // namespace vs
