#include "vsd/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

TEST(WriteAtomic, ReplacesTheContentAndLeavesNoTemporaryFile) {
  const TempDir directory;
  const std::string path = directory.path() + "/record";
  writeAtomic(path, "old");
  writeAtomic(path, "new", 0640);
  EXPECT_EQ(readFile(path), "new");
  EXPECT_EQ(listDirectory(directory.path()), std::vector<std::string>{"record"});
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
}

TEST(WriteAtomic, DoesNotFollowALinkPlantedForItsTemporaryFile) {
  const TempDir directory;
  writeAtomic(directory.path() + "/victim", "precious");
  ASSERT_EQ(::symlink("victim", (directory.path() + "/record.new").c_str()), 0);
  EXPECT_THROW(writeAtomic(directory.path() + "/record", "x"), Error);
  EXPECT_EQ(readFile(directory.path() + "/victim"), "precious");
}

TEST(ReadFile, RefusesMoreThanTheLimit) {
  const TempDir directory;
  writeAtomic(directory.path() + "/big", std::string(100, 'x'));
  EXPECT_THROW(readFile(directory.path() + "/big", 99), Error);
  EXPECT_EQ(readFile(directory.path() + "/big", 100).size(), 100U);
  EXPECT_EQ(readFileIfExists(directory.path() + "/none"), std::nullopt);
}

TEST(RemoveTree, TakesEverythingButNotWhatLinksPointTo) {
  const TempDir directory;
  const std::string tree = directory.path() + "/tree";
  makeDirectories(tree + "/a/b/c");
  writeAtomic(tree + "/a/b/c/file", "x");
  writeAtomic(directory.path() + "/kept", "kept");
  ASSERT_EQ(::symlink("../../kept", (tree + "/a/link").c_str()), 0);
  ASSERT_EQ(::symlink("/", (tree + "/root").c_str()), 0);
  removeTree(tree);
  EXPECT_FALSE(exists(tree));
  EXPECT_EQ(readFile(directory.path() + "/kept"), "kept");
  removeTree(tree);  // twice without harm
}

TEST(MakeDirectories, MakesParentsAndIsContentWithWhatIsThere) {
  const TempDir directory;
  makeDirectories(directory.path() + "/a/b/c", 0700);
  makeDirectories(directory.path() + "/a/b/c", 0755);
  EXPECT_TRUE(exists(directory.path() + "/a/b/c"));
  writeAtomic(directory.path() + "/file", "");
  EXPECT_THROW(makeDirectories(directory.path() + "/file"), Error);
}

}  // namespace
}  // namespace vs
