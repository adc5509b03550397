#include "vsd/context/template_info.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/tree_text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"

namespace vs {
namespace {

using Texts = std::vector<std::string>;

TEST(Template, GoesThroughJsonUnchanged) {
  Template made;
  made.name = "debian13";
  made.description = "Debian 13";
  made.distribution = "debian";
  made.release = "trixie";
  made.architecture = "amd64";
  made.init = Init::Command;
  made.command = {"/bin/sh", "-c", "true"};
  made.created = "2008-03-01T12:00:00.000Z";
  made.size = 200_MiB;
  made.source = "http://deb.debian.org/debian";
  made.checksum = "abc";
  made.packages = {"dash"};
  made.changes = {"removed /etc/hostname"};
  const Json json = toJson(made);
  EXPECT_EQ(json, (Json{{"name", "debian13"},
                        {"description", "Debian 13"},
                        {"distribution", "debian"},
                        {"release", "trixie"},
                        {"architecture", "amd64"},
                        {"init", "command"},
                        {"command", {"/bin/sh", "-c", "true"}},
                        {"created", "2008-03-01T12:00:00.000Z"},
                        {"size", 209715200},
                        {"source", "http://deb.debian.org/debian"},
                        {"checksum", "abc"},
                        {"packages", {"dash"}},
                        {"changes", {"removed /etc/hostname"}}}));
  EXPECT_EQ(toJson(templateFrom(json)), json);
}

TEST(Template, NamesTheFieldThatIsWrong) {
  const Json good = toJson(Template{});
  const auto errorWith = [&](const char* field, const Json& value) -> std::string {
    Json bad = good;
    bad[field] = value;
    try {
      templateFrom(bad);
      return "accepted";
    } catch (const Error& error) {
      return error.text();
    }
  };
  EXPECT_EQ(errorWith("name", "x"), "accepted");
  EXPECT_EQ(errorWith("name", 1), "the field 'name' is no text");
  EXPECT_EQ(errorWith("size", -1), "the field 'size' is no number of bytes");
  EXPECT_EQ(errorWith("init", "upstart"), "the field 'init' is no init: 'upstart'");
  EXPECT_EQ(errorWith("command", Json::array({1})), "the field 'command' is no list of texts");
  EXPECT_EQ(errorWith("changes", "x"), "the field 'changes' is no list");
  EXPECT_THROW(templateFrom(Json::array()), Error);
  EXPECT_THROW(templateFrom(Json::object()), Error);
}

// A tree beside an "outside" that has everything a link could be after.
class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    makeDirectories(path_ + "/etc");
    makeDirectories(path_ + "/sbin");
    makeDirectories(scratch_.path() + "/outside");
    program(scratch_.path() + "/outside/init");
    writeAtomic(scratch_.path() + "/outside/os-release", "ID=outside\n");
  }
  static void program(const std::string& path) { writeAtomic(path, "#!\n", 0755); }
  void link(const std::string& target, const std::string& at) {
    ASSERT_EQ(::symlink(target.c_str(), (path_ + at).c_str()), 0);
  }
  TempDir scratch_;
  std::string path_ = scratch_.path() + "/root";
};

TEST_F(TreeTest, FindsSystemdBehindItsLink) {
  makeDirectories(path_ + "/usr/lib/systemd");
  program(path_ + "/usr/lib/systemd/systemd");
  link("/usr/lib/systemd/systemd", "/sbin/init");
  EXPECT_EQ(detectInit(RootFs(path_)), Init::Systemd);
}

TEST_F(TreeTest, TakesAnyOtherInitForSysv) {
  program(path_ + "/sbin/init");
  EXPECT_EQ(detectInit(RootFs(path_)), Init::Sysv);
}

TEST_F(TreeTest, FindsNoInitWhereThereIsNone) {
  EXPECT_EQ(detectInit(RootFs(path_)), std::nullopt);
  writeAtomic(path_ + "/sbin/init", "not executable", 0644);
  EXPECT_EQ(detectInit(RootFs(path_)), std::nullopt);
}

TEST_F(TreeTest, TakesNothingFromOutsideForTheTrees) {
  link("../../outside/init", "/sbin/init");
  link("../../outside/os-release", "/etc/os-release");
  EXPECT_EQ(detectInit(RootFs(path_)), std::nullopt);
  EXPECT_EQ(identify(RootFs(path_)).distribution, "unknown");
}

TEST_F(TreeTest, ReadsWhatTheTreeSaysItIs) {
  writeAtomic(path_ + "/etc/os-release",
              "# comment\nID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\n");
  EXPECT_EQ(identify(RootFs(path_)).distribution, "debian");
  EXPECT_EQ(identify(RootFs(path_)).release, "trixie");
  writeAtomic(path_ + "/etc/os-release", "ID='alpine'\nVERSION_ID=3.20\n=\nx\n");
  EXPECT_EQ(identify(RootFs(path_)).distribution, "alpine");
  EXPECT_EQ(identify(RootFs(path_)).release, "3.20");
}

TEST_F(TreeTest, CleansWhatTheBuildLeftAndSaysSo) {
  writeAtomic(path_ + "/etc/hostname", "builder\n");
  writeAtomic(path_ + "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  makeDirectories(path_ + "/proc");
  makeDirectories(path_ + "/run");
  makeDirectories(path_ + "/tmp");
  ASSERT_EQ(::chmod((path_ + "/tmp").c_str(), 01777), 0);
  EXPECT_EQ(cleanTree(RootFs(path_), {"/etc/hostname", "/etc/resolv.conf"}),
            (Texts{"removed /etc/hostname", "emptied /etc/machine-id",
                   "added the empty directory /dev", "added the empty directory /sys"}));
  const std::string ids = fmt::format("{}:{}", ::geteuid(), ::getegid());
  EXPECT_EQ(treeText(path_),
            fmt::format("dir 755 {0} dev\ndir 755 {0} etc\nfile 444 {0} etc/machine-id ''\n"
                        "dir 755 {0} proc\ndir 755 {0} run\ndir 755 {0} sbin\ndir 755 {0} sys\n"
                        "dir 1777 {0} tmp\n",
                        ids));
  EXPECT_EQ(cleanTree(RootFs(path_), {"/etc/hostname"}), Texts{});
}

TEST_F(TreeTest, CleansNothingThroughALink) {
  link("../outside", "/data");
  EXPECT_THROW(cleanTree(RootFs(path_), {"/data/init"}), Error);
  EXPECT_TRUE(exists(scratch_.path() + "/outside/init"));
}

TEST_F(TreeTest, RefusesAMountPointThatIsALink) {
  link("../outside", "/dev");
  try {
    addMountPoints(RootFs(path_));
    FAIL() << "a link was taken for a mount point";
  } catch (const Error& error) {
    EXPECT_EQ(error.text(),
              "'/dev' of the tree is no plain directory, but something is to be mounted there");
  }
}

}  // namespace
}  // namespace vs
