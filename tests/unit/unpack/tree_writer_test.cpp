#include "vsd/unpack/tree_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/tree_text.hpp"
#include "vsd/base/error.hpp"

namespace vs::unpack {
namespace {

// A tree to fill, beside files that must never be touched; without any cage around.
class TreeWriterTest : public testing::Test {
 protected:
  TreeWriterTest() {
    makeDirectories(scratch_.path() + "/root");
    makeDirectories(scratch_.path() + "/outside");
    writeAtomic(scratch_.path() + "/outside/precious", "untouched", 0644);
    outsideBefore_ = treeText(scratch_.path() + "/outside");
    root_ = openDirectory(scratch_.path() + "/root");
  }
  ~TreeWriterTest() override { EXPECT_EQ(treeText(scratch_.path() + "/outside"), outsideBefore_); }

  Entry entry(const std::string& path, EntryType type, const std::string& target = "") {
    Entry made;
    made.path = path;
    made.type = type;
    made.mode = type == EntryType::Directory ? 0755 : 0644;
    made.uid = ::geteuid();
    made.gid = ::getegid();
    made.target = target;
    return made;
  }
  // "" when the entry was made, else the reason why not.
  std::string make(const Entry& wanted) {
    try {
      const Fd file = writer().create(wanted);
      if (file) {
        writeAll(file.get(), "new", "the test's file");
        Entry sized = wanted;
        sized.size = 3;
        writer().settle(file, sized);
      }
      return "";
    } catch (const Error& error) {
      return error.text();
    }
  }
  TreeWriter& writer() {
    if (!writer_) writer_.emplace(root_.get());
    return *writer_;
  }
  std::string ids() const { return fmt::format("{}:{}", ::geteuid(), ::getegid()); }
  std::string tree() const { return treeText(scratch_.path() + "/root"); }

  TempDir scratch_;
  Fd root_;
  std::string outsideBefore_;
  std::optional<TreeWriter> writer_;
};

TEST_F(TreeWriterTest, MakesDirectoriesThatTheArchiveLeavesOut) {
  EXPECT_EQ(make(entry("a/b/c", EntryType::File)), "");
  EXPECT_EQ(tree(),
            fmt::format("dir 755 {0} a\ndir 755 {0} a/b\nfile 644 {0} a/b/c 'new'\n", ids()));
}

TEST_F(TreeWriterTest, MakesALinkWhereverItPointsButNeverFollowsIt) {
  EXPECT_EQ(make(entry("out", EntryType::Link, "../outside")), "");
  EXPECT_EQ(make(entry("out/x", EntryType::File)),
            "entry 'out/x' is refused: its path leads through a symbolic link");
  EXPECT_EQ(make(entry("out/deep/x", EntryType::File)),
            "entry 'out/deep/x' is refused: its path leads through a symbolic link");
  EXPECT_EQ(make(entry("out/x", EntryType::Link, "y")),
            "entry 'out/x' is refused: its path leads through a symbolic link");
}

TEST_F(TreeWriterTest, RefusesALinkInsideTheTreeOnTheWayToo) {
  EXPECT_EQ(make(entry("usr/bin", EntryType::Directory)), "");
  EXPECT_EQ(make(entry("bin", EntryType::Link, "usr/bin")), "");
  EXPECT_EQ(make(entry("bin/tool", EntryType::File)),
            "entry 'bin/tool' is refused: its path leads through a symbolic link");
}

TEST_F(TreeWriterTest, ReplacesALinkInsteadOfWritingThroughIt) {
  EXPECT_EQ(make(entry("x", EntryType::Link, "../outside/precious")), "");
  EXPECT_EQ(make(entry("x", EntryType::File)), "");
  EXPECT_EQ(tree(), fmt::format("file 644 {} x 'new'\n", ids()));
}

TEST_F(TreeWriterTest, ReplacesAHardLinkedFileWithoutChangingItsOtherName) {
  writeAtomic(scratch_.path() + "/root/first", "old", 0644);
  EXPECT_EQ(make(entry("second", EntryType::HardLink, "first")), "");
  EXPECT_EQ(make(entry("second", EntryType::File)), "");
  EXPECT_EQ(tree(), fmt::format("file 644 {0} first 'old'\nfile 644 {0} second 'new'\n", ids()));
}

TEST_F(TreeWriterTest, NeverReplacesADirectory) {
  EXPECT_EQ(make(entry("d", EntryType::Directory)), "");
  EXPECT_EQ(make(entry("d", EntryType::Link, "../outside")),
            "entry 'd' is refused: a directory of that name is there already");
  EXPECT_EQ(make(entry("d", EntryType::Directory)), "");
}

TEST_F(TreeWriterTest, RefusesAPathThroughAFile) {
  EXPECT_EQ(make(entry("f", EntryType::File)), "");
  EXPECT_EQ(make(entry("f/x", EntryType::File)),
            "entry 'f/x' is refused: its path leads through what is no directory");
}

TEST_F(TreeWriterTest, LinksHardOnlyToRegularFilesOfTheTree) {
  EXPECT_EQ(make(entry("f", EntryType::File)), "");
  EXPECT_EQ(make(entry("l", EntryType::Link, "../outside/precious")), "");
  EXPECT_EQ(make(entry("o", EntryType::Link, "../outside")), "");
  EXPECT_EQ(make(entry("d", EntryType::Directory)), "");
  EXPECT_EQ(make(entry("h1", EntryType::HardLink, "f")), "");
  EXPECT_EQ(make(entry("h2", EntryType::HardLink, "l")),
            "entry 'h2' is refused: it is a hard link to 'l', which is no regular file");
  EXPECT_EQ(make(entry("h3", EntryType::HardLink, "o/precious")),
            "entry 'h3' is refused: its target leads through a symbolic link");
  EXPECT_EQ(make(entry("h4", EntryType::HardLink, "none")),
            "entry 'h4' is refused: it is a hard link to 'none', which is not there");
  EXPECT_EQ(make(entry("h5", EntryType::HardLink, "d")),
            "entry 'h5' is refused: it is a hard link to 'd', which is no regular file");
  EXPECT_EQ(make(entry("f", EntryType::HardLink, "f")),
            "entry 'f' is refused: it is a hard link to itself");
}

TEST_F(TreeWriterTest, KeepsTheTimesOfDirectoriesThatFillUpLater) {
  Entry directory = entry("d", EntryType::Directory);
  directory.modified = {915148800, 0};  // 1999
  EXPECT_EQ(make(directory), "");
  EXPECT_EQ(make(entry("d/x", EntryType::File)), "");
  writer().finish();
  struct stat status {};
  ASSERT_EQ(::stat((scratch_.path() + "/root/d").c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 915148800);
}

TEST_F(TreeWriterTest, RefusesARootThatIsNoDirectory) {
  EXPECT_EQ(make(entry("", EntryType::Link, "../outside")),
            "entry '.' is refused: the root must be a directory");
}

}  // namespace
}  // namespace vs::unpack
