#include "vsd/storage/dir_engine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/tree_text.hpp"
#include "vsd/base/error.hpp"

namespace vs::storage {
namespace {

using Texts = std::vector<std::string>;

class DirEngineTest : public testing::Test {
 protected:
  // A template of two directories, a set-id program, two names of one file and a link.
  void makeTemplate(const std::string& name) {
    const std::string tree = engine_.beginTemplate(name, {});
    makeDirectories(tree + "/bin");
    makeDirectories(tree + "/etc");
    writeAtomic(tree + "/bin/su", "program", 0644);
    ASSERT_EQ(::chmod((tree + "/bin/su").c_str(), 04755), 0);
    writeAtomic(tree + "/etc/a", "text", 0600);
    ASSERT_EQ(::link((tree + "/etc/a").c_str(), (tree + "/etc/b").c_str()), 0);
    ASSERT_EQ(::symlink("/etc/a", (tree + "/etc/c").c_str()), 0);
    engine_.finishTemplate(name, R"({"name":"t","size":4096})");
  }
  std::string expectedTree() const {
    return fmt::format(
        "dir 755 {0} bin\nfile 4755 {0} bin/su 'program'\ndir 755 {0} etc\n"
        "file 600 {0} etc/a 'text' x2\nfile 600 {0} etc/b 'text' x2\nlink 777 {0} etc/c -> "
        "/etc/a\n",
        fmt::format("{}:{}", ::geteuid(), ::getegid()));
  }
  // The error of a call, as "Kind: text"; "" when there was none.
  template <typename Call>
  std::string errorOf(Call call) {
    try {
      call();
      return "";
    } catch (const Error& error) {
      return fmt::format("{}: {}", nameOf(error.kind()), error.text());
    }
  }
  void create(const std::string& name, const Progress& progress = {}) {
    engine_.createFromTemplate({name, "t", std::nullopt, "{\"name\":\"" + name + "\"}"}, progress);
  }
  Texts names() {
    Texts found;
    for (const Volume& volume : engine_.list()) found.push_back(volume.name);
    return found;
  }

  TempDir scratch_;
  Paths paths_{scratch_.path(), ""};
  RealRunner runner_;
  DirEngine engine_{paths_, runner_};
};

TEST_F(DirEngineTest, AVolumeIsACopyOfItsTemplate) {
  makeTemplate("t");
  create("web1");
  EXPECT_EQ(treeText(engine_.attach("web1")), expectedTree());
  const std::vector<Volume> volumes = engine_.list();
  ASSERT_EQ(volumes.size(), 1U);
  EXPECT_EQ(volumes[0].name, "web1");
  EXPECT_EQ(volumes[0].definition, "{\"name\":\"web1\"}");
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{"web1"});
}

TEST_F(DirEngineTest, ChangesInAVolumeReachNeitherItsTemplateNorItsClone) {
  makeTemplate("t");
  create("web1");
  engine_.clone("web1", {"web2", "t", std::nullopt, "{}"}, {});
  writeAtomic(engine_.attach("web1") + "/etc/new", "only here");
  EXPECT_EQ(treeText(engine_.openTemplate("t")->path()), expectedTree());
  EXPECT_EQ(treeText(engine_.attach("web2")), expectedTree());
}

TEST_F(DirEngineTest, OnlyRootGetsToTheTrees) {
  makeTemplate("t");
  create("web1");
  EXPECT_EQ(treeText(paths_.state()).find("dir 700 "), 0U);
  for (const std::string& path : {paths_.volumes(), paths_.templates(), paths_.volumeOf("web1")}) {
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U) << path;
  }
}

TEST_F(DirEngineTest, RefusesWhatItCannotDoAndSaysWhy) {
  makeTemplate("t");
  create("web1");
  EXPECT_EQ(errorOf([&] {
              engine_.createFromTemplate({"web2", "t", 1_GiB, ""}, {});
            }),
            "Unsupported: cannot give a size to volume 'web2': storage tier 'dir' does not hold a "
            "volume to its size");
  EXPECT_EQ(errorOf([&] { create("web1"); }), "Exists: volume 'web1' exists");
  EXPECT_EQ(errorOf([&] {
              engine_.createFromTemplate({"web2", "none", {}, ""}, {});
            }),
            "NotFound: there is no template 'none'");
  EXPECT_EQ(errorOf([&] {
              engine_.clone("none", {"web2", "t", {}, ""}, {});
            }),
            "NotFound: there is no volume 'none'");
  EXPECT_EQ(
      errorOf([&] { engine_.createSnapshot("web1", "s", MadeBy::User); }),
      "Unsupported: cannot use snapshots of volume 'web1': storage tier 'dir' has no snapshots");
  EXPECT_EQ(
      errorOf([&] { engine_.fence("web1"); }),
      "Unsupported: cannot cut off volume 'web1': storage tier 'dir' has no device to cut off");
  EXPECT_EQ(errorOf([&] { engine_.attach("none"); }), "NotFound: there is no volume 'none'");
  EXPECT_EQ(errorOf([&] { create("../x"); }).substr(0, 17), "InvalidParameter:");
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{"web1"});
}

TEST_F(DirEngineTest, ADamagedTemplateMakesNoVolume) {
  makeTemplate("t");
  writeAtomic(paths_.templateOf("t") + "/template.json", "{\"size\":");
  EXPECT_EQ(errorOf([&] { create("web1"); }).substr(0, 34), "Failed: template 't' is damaged: t");
  writeAtomic(paths_.templateOf("t") + "/template.json", "{}");
  EXPECT_EQ(errorOf([&] { create("web1"); }),
            "Failed: template 't' is damaged: template.json says no size");
  removeFile(paths_.templateOf("t") + "/template.json");
  EXPECT_EQ(errorOf([&] { create("web1"); }),
            "Failed: template 't' is damaged: template.json is missing");
  writeAtomic(paths_.templateOf("t") + "/template.json", "{\"size\":1}");
  removeTree(paths_.templateOf("t") + "/root");
  EXPECT_EQ(errorOf([&] { create("web1"); }),
            "Failed: template 't' is damaged: its tree is missing");
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{});
}

TEST_F(DirEngineTest, ATemplateIsThereOnlyWhenItIsFinished) {
  const std::string first = engine_.beginTemplate("t", {});
  writeAtomic(first + "/abandoned", "");
  EXPECT_EQ(engine_.listTemplates(), Texts{});
  const std::string second = engine_.beginTemplate("t", {});
  EXPECT_EQ(treeText(second), "");
  EXPECT_EQ(errorOf([&] { engine_.finishTemplate("t", "{}"); }),
            "Failed: template 't' is damaged: template.json says no size");
  engine_.finishTemplate("t", "{\"size\":1}");
  EXPECT_EQ(engine_.listTemplates(), Texts{"t"});
  EXPECT_EQ(engine_.templateDescription("t"), "{\"size\":1}");
  engine_.beginTemplate("t", {});
  EXPECT_EQ(errorOf([&] { engine_.finishTemplate("t", "{\"size\":2}"); }).substr(0, 11),
            "Exists: 't'");
  EXPECT_EQ(engine_.templateDescription("t"), "{\"size\":1}");
}

TEST_F(DirEngineTest, ACancelledCopyLeavesNothing) {
  makeTemplate("t");
  const Progress cancel = [](int) { throw Error(Kind::Cancelled, "enough"); };
  EXPECT_EQ(errorOf([&] { create("web1", cancel); }), "Cancelled: enough");
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{});
}

TEST_F(DirEngineTest, WhatIsBeingCopiedCannotBeRemovedOrRenamed) {
  makeTemplate("t");
  create("web1");
  const Fd templateLock = openDirectory(paths_.templateOf("t"));
  const Fd volumeLock = openDirectory(paths_.volumeOf("web1"));
  ASSERT_EQ(::flock(templateLock.get(), LOCK_SH), 0);
  ASSERT_EQ(::flock(volumeLock.get(), LOCK_SH), 0);
  EXPECT_EQ(errorOf([&] { engine_.removeTemplate("t"); }).substr(0, 5), "Busy:");
  EXPECT_EQ(errorOf([&] { engine_.destroy("web1"); }).substr(0, 5), "Busy:");
  EXPECT_EQ(errorOf([&] { engine_.rename("web1", "web2"); }).substr(0, 5), "Busy:");
  EXPECT_EQ(errorOf([&] { create("web3"); }), "");
  EXPECT_EQ(names(), (Texts{"web1", "web3"}));
}

TEST_F(DirEngineTest, RenamesNeverOverAnotherVolume) {
  makeTemplate("t");
  create("web1");
  create("web2");
  EXPECT_EQ(errorOf([&] { engine_.rename("web1", "web2"); }).substr(0, 14), "Exists: 'web2'");
  engine_.rename("web1", "web3");
  EXPECT_EQ(names(), (Texts{"web2", "web3"}));
  EXPECT_EQ(errorOf([&] { engine_.rename("web1", "web4"); }),
            "NotFound: there is no volume 'web1'");
}

TEST_F(DirEngineTest, RemovingMayBeRepeated) {
  makeTemplate("t");
  create("web1");
  engine_.saveDefinition("web1", "{\"changed\":true}");
  EXPECT_EQ(engine_.list().at(0).definition, "{\"changed\":true}");
  for (int round = 0; round < 2; ++round) {
    engine_.destroy("web1");
    engine_.removeTemplate("t");
    engine_.abandonTemplate("t");
    engine_.detach("web1");
  }
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{});
  EXPECT_EQ(listDirectory(paths_.templates()), Texts{});
}

TEST_F(DirEngineTest, TakesAwayWhatACrashLeftButNothingInUse) {
  makeTemplate("t");
  create("web1");
  for (const char* name : {".new-half", ".new-busy", ".gone-old.0b5d7b5e", "not.a.name"})
    makeDirectories(paths_.volumes() + "/" + name + "/root/deep");
  makeDirectories(paths_.templates() + "/.new-t2/root");
  EXPECT_EQ(names(), Texts{"web1"});
  EXPECT_EQ(engine_.removeLeftovers({"busy"}),
            (Texts{"removed what was left of template 't2' (not finished)",
                   "removed what was left of volume 'old' (not wholly removed)",
                   "removed what was left of volume 'half' (not finished)"}));
  EXPECT_EQ(listDirectory(paths_.volumes()), (Texts{".new-busy", "not.a.name", "web1"}));
  EXPECT_EQ(engine_.removeLeftovers({"busy"}), Texts{});
}

TEST_F(DirEngineTest, RemovesATreeThatIsDeeperThanAnyPath) {
  makeTemplate("t");
  create("web1");
  Fd below = openDirectory(engine_.attach("web1"));
  for (int depth = 0; depth < 3000; ++depth) {
    ASSERT_EQ(::mkdirat(below.get(), "directory", 0755), 0);
    below = Fd(::openat(below.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(below);
  }
  engine_.destroy("web1");
  EXPECT_EQ(listDirectory(paths_.volumes()), Texts{});
}

TEST_F(DirEngineTest, KeepsHoles) {
  const std::string tree = engine_.beginTemplate("t", {});
  const Fd file = openFile(tree + "/sparse", O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::ftruncate(file.get(), 1 << 30), 0);
  engine_.finishTemplate("t", "{\"size\":4096}");
  create("web1");
  struct stat status {};
  ASSERT_EQ(::stat((engine_.attach("web1") + "/sparse").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 1 << 30);
  EXPECT_LT(status.st_blocks, 100);
}

TEST_F(DirEngineTest, AnEmptyVolumeIsThereAtOnceAndHoldsNothing) {
  engine_.createEmpty({"web", "", std::nullopt, ""});
  EXPECT_EQ(names(), Texts{"web"});
  EXPECT_EQ(treeText(engine_.attach("web")), "");
  EXPECT_EQ(engine_.list().at(0).definition, "");
  EXPECT_EQ(errorOf([&] {
              engine_.createEmpty({"web", "", std::nullopt, ""});
            }),
            "Exists: volume 'web' exists");
  EXPECT_TRUE(errorOf([&] {
                engine_.createEmpty({"db", "", 1_GiB, ""});
              }).starts_with("Unsupported: cannot give a size to volume 'db'"));
}

}  // namespace
}  // namespace vs::storage
