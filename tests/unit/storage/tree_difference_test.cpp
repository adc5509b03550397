// Two states of one file system: what is the same in both has the same inode, so it is a hard link
// here.
#include "vsd/storage/tree_difference.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <set>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::storage {
namespace {

using Lines = std::set<std::string>;

class Trees : public testing::Test {
 protected:
  Trees() {
    for (const std::string& tree : {before_, after_}) makeDirectories(tree);
  }

  static void write(const std::string& path, const std::string& text = "x") {
    writeAll(openFile(path, O_WRONLY | O_CREAT | O_TRUNC, 0644).get(), text, path);
  }
  void both(const std::string& path) {
    write(before_ + path);
    ASSERT_EQ(::link((before_ + path).c_str(), (after_ + path).c_str()), 0);
  }
  void directories(const std::string& path) {
    makeDirectories(before_ + path);
    makeDirectories(after_ + path);
  }

  Lines compare() {
    Lines lines;
    tooDeep_ = compareTrees(
        before_, after_, [this] { ++looked_; },
        [&](const Difference& found) {
          std::string line = fmt::format("{} {} {}", nameOf(found.change), found.type, found.path);
          for (const std::string_view what : found.what) line += fmt::format(" {}", what);
          EXPECT_TRUE(lines.insert(line).second) << line << " was told twice";
        });
    return lines;
  }

  TempDir scratch_;
  const std::string before_ = scratch_.path() + "/before";
  const std::string after_ = scratch_.path() + "/after";
  std::uint64_t tooDeep_ = 0;
  int looked_ = 0;
};

TEST_F(Trees, ThatAreTheSameHaveNoDifference) {
  directories("/etc/deep");
  both("/etc/hosts");
  both("/etc/deep/file");
  EXPECT_EQ(compare(), Lines{});
  EXPECT_EQ(looked_, 8);  // four entries, twice
}

TEST_F(Trees, TellWhatHasComeAndGoneWithAllBelow) {
  makeDirectories(after_ + "/new/deep");
  write(after_ + "/new/deep/file");
  makeDirectories(before_ + "/old");
  write(before_ + "/old/file");
  EXPECT_EQ(compare(),
            (Lines{"added directory /new", "added directory /new/deep", "added file /new/deep/file",
                   "removed directory /old", "removed file /old/file"}));
}

TEST_F(Trees, TellWhatHasChanged) {
  write(before_ + "/longer");
  write(after_ + "/longer", "xx");
  directories("/directory");
  ::chmod((after_ + "/directory").c_str(), 0700);
  ASSERT_EQ(::symlink("/etc/passwd", (before_ + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/shadow", (after_ + "/link").c_str()), 0);
  EXPECT_EQ(compare(), (Lines{"changed file /longer content", "changed directory /directory mode",
                              "changed link /link target"}));
}

TEST_F(Trees, CompareTheAttributesOfDirectories) {
  directories("/same");
  directories("/other");
  directories("/new");
  const auto set = [](const std::string& path, const std::string& value) {
    return ::setxattr(path.c_str(), "user.mark", value.data(), value.size(), 0);
  };
  if (set(before_ + "/same", "1") < 0 && errno == ENOTSUP) GTEST_SKIP() << "no user.* in TMPDIR";
  ASSERT_EQ(set(after_ + "/same", "1"), 0);
  ASSERT_EQ(set(before_ + "/other", "1"), 0);
  ASSERT_EQ(set(after_ + "/other", "2"), 0);
  ASSERT_EQ(set(after_ + "/new", "1"), 0);
  EXPECT_EQ(compare(),
            (Lines{"changed directory /other attributes", "changed directory /new attributes"}));
}

TEST_F(Trees, NoticeAFileThatWasPutInThePlaceOfAnEqualOne) {
  const timespec times[2] = {{1000, 0}, {1000, 0}};
  for (const std::string& tree : {before_, after_}) {
    write(tree + "/file");
    ASSERT_EQ(::utimensat(AT_FDCWD, (tree + "/file").c_str(), times, 0), 0);
  }
  EXPECT_EQ(compare(), Lines{"changed file /file attributes"});
}

TEST_F(Trees, TellOfAnotherTypeAndOfWhatWasOrIsBelow) {
  makeDirectories(before_ + "/one");
  write(before_ + "/one/file");
  write(after_ + "/one");
  write(before_ + "/two");
  makeDirectories(after_ + "/two");
  write(after_ + "/two/file");
  const Lines lines = compare();
  EXPECT_EQ(lines.size(), 4U);
  EXPECT_TRUE(lines.contains("removed file /one/file"));
  EXPECT_TRUE(lines.contains("added file /two/file"));
  for (const std::string& line : lines)
    EXPECT_TRUE(line.find(" /one/") != std::string::npos ||
                line.find(" /two/") != std::string::npos || line.find(" type") != std::string::npos)
        << line;
}

TEST_F(Trees, NeverGoThroughALink) {
  makeDirectories(scratch_.path() + "/outside");
  write(scratch_.path() + "/outside/secret");
  for (const std::string& tree : {before_, after_})
    ASSERT_EQ(::symlink((scratch_.path() + "/outside").c_str(), (tree + "/way").c_str()), 0);
  makeDirectories(before_ + "/turned");
  ASSERT_EQ(::symlink(scratch_.path().c_str(), (after_ + "/turned").c_str()), 0);
  for (const std::string& line : compare())
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
}

TEST_F(Trees, KeepNamesAsTheyAre) {
  write(after_ + "/a\nb\x1b[31m\xff");
  EXPECT_EQ(compare(), Lines{"added file /a\nb\x1b[31m\xff"});
}

TEST_F(Trees, EndTheirDescentSomewhere) {
  Fd below = openDirectory(after_);
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(::mkdirat(below.get(), "d", 0755), 0);
    below = Fd(::openat(below.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(below);
  }
  EXPECT_EQ(compare().size(), kDeepest);
  EXPECT_EQ(tooDeep_, 1U);
}

TEST_F(Trees, CanBeLeftAtAnyMoment) {
  for (int i = 0; i < 100; ++i) write(fmt::format("{}/{}", after_, i));
  int looked = 0;
  const auto leave = [&looked] {
    if (++looked == 10) throw Error(Kind::Cancelled, "enough");
  };
  EXPECT_THROW(compareTrees(before_, after_, leave, [](const Difference&) {}), Error);
  EXPECT_EQ(looked, 10);
}

}  // namespace
}  // namespace vs::storage
