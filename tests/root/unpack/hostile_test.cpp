// Hostile archives, through the real helper: each is refused by name or confined, and nothing
// outside the target changes (security cases D1 to D6, D9, D13, D19).
#include "tests/root/unpack/unpack_fixture.hpp"
#include "vsd/base/archive_frame.hpp"

namespace vs::storage {
namespace {

using Texts = std::vector<std::string>;

class Hostile : public UnpackFixture {};

ArchiveBuilder::Change owner(la_int64_t uid, la_int64_t gid) {
  return [=](archive_entry* entry) {
    ::archive_entry_set_uid(entry, uid);
    ::archive_entry_set_gid(entry, gid);
  };
}

TEST_F(Hostile, AbsolutePathsAndDotDotAreRefused) {
  const auto refused = [&](const std::string& path) {
    return refusalOf(ArchiveBuilder().file(path).bytes());
  };
  EXPECT_EQ(refused("/etc/cron.d/y"),
            "InvalidParameter: entry '/etc/cron.d/y' is refused: its path is absolute");
  EXPECT_EQ(refused("../outside/x"),
            "InvalidParameter: entry '../outside/x' is refused: its path contains '..'");
  EXPECT_EQ(refused("a/../../outside/x"),
            "InvalidParameter: entry 'a/../../outside/x' is refused: its path contains '..'");
  EXPECT_EQ(
      refused("../../../../../../etc/cron.d/x"),
      "InvalidParameter: entry '../../../../../../etc/cron.d/x' is refused: its path contains "
      "'..'");
  EXPECT_EQ(tree(), "");
}

TEST_F(Hostile, NothingIsWrittenThroughLinks) {
  for (const std::string& way :
       {outside(), std::string("../outside"), std::string("/etc"), std::string("/proc/self/cwd")}) {
    EXPECT_EQ(
        refusalOf(ArchiveBuilder().link("a", way).file("a/cron.d").bytes()),
        "InvalidParameter: entry 'a/cron.d' is refused: its path leads through a symbolic link")
        << way;
  }
  EXPECT_EQ(refusalOf(ArchiveBuilder()
                          .link("c", "../outside")
                          .link("b", "c")
                          .link("a", "b")
                          .file("a/x")
                          .bytes()),
            "InvalidParameter: entry 'a/x' is refused: its path leads through a symbolic link");
  EXPECT_EQ(refusalOf(ArchiveBuilder().link("a", "../outside").directory("a/d").bytes()),
            "InvalidParameter: entry 'a/d' is refused: its path leads through a symbolic link");
}

TEST_F(Hostile, AFileReplacesALinkOfItsName) {
  unpack(ArchiveBuilder().link("x", outside() + "/precious").file("x", "new").bytes());
  EXPECT_EQ(tree(), "file 644 0:0 x 'new'\n");
}

TEST_F(Hostile, HardLinksStayInTheTree) {
  EXPECT_EQ(refusalOf(ArchiveBuilder().hardLink("h", "../outside/precious").bytes()),
            "InvalidParameter: entry 'h' is refused: it is a hard link to '../outside/precious', "
            "which is no path in the tree");
  EXPECT_EQ(
      refusalOf(ArchiveBuilder().hardLink("h", "/etc/shadow").bytes()),
      "InvalidParameter: entry 'h' is refused: it is a hard link to '/etc/shadow', which is no "
      "path in the tree");
  EXPECT_EQ(refusalOf(ArchiveBuilder().link("l", "/etc/shadow").hardLink("h", "l").bytes()),
            "InvalidParameter: entry 'h' is refused: it is a hard link to 'l', which is no regular "
            "file");
  EXPECT_EQ(refusalOf(ArchiveBuilder().link("d", "../outside").hardLink("h", "d/precious").bytes()),
            "InvalidParameter: entry 'h' is refused: its target leads through a symbolic link");
}

TEST_F(Hostile, DeviceNodesAreLeftOutAndListed) {
  const UnpackResult result = unpack(ArchiveBuilder()
                                         .node("dev/sda", S_IFBLK, 8, 0)
                                         .node("dev/mem", S_IFCHR, 1, 1)
                                         .node("dev/whiteout", S_IFCHR, 0, 0)
                                         .node("fifo", S_IFIFO)
                                         .bytes());
  EXPECT_EQ(result.skipped,
            (Texts{"dev/sda: device node", "dev/mem: device node", "dev/whiteout: device node"}));
  EXPECT_EQ(result.skippedCount, 3U);
  EXPECT_EQ(tree(), "fifo 666 0:0 fifo\n");
}

TEST_F(Hostile, TheListOfWhatIsLeftOutIsBounded) {
  ArchiveBuilder archive;
  for (int i = 0; i < 500; ++i) archive.node(fmt::format("dev/{}", i), S_IFCHR, 1, 3);
  const UnpackResult result = unpack(archive.file("x").bytes());
  EXPECT_EQ(result.skipped.size(), 100U);
  EXPECT_EQ(result.skippedCount, 500U);
}

TEST_F(Hostile, ATreeOutOfOrderIsRefused) {
  EXPECT_EQ(
      refusalOf(ArchiveBuilder().file("a").file("a/b").bytes()),
      "InvalidParameter: entry 'a/b' is refused: its path leads through what is no directory");
  EXPECT_EQ(refusalOf(ArchiveBuilder().directory("d").link("d", "../outside").bytes()),
            "InvalidParameter: entry 'd' is refused: a directory of that name is there already");
  EXPECT_EQ(refusalOf(ArchiveBuilder().link("./", "/").bytes()),
            "InvalidParameter: entry '.' is refused: the root must be a directory");
}

TEST_F(Hostile, NamesAndDepthsAreBounded) {
  std::string deep = "d";
  for (int i = 1; i < 64; ++i) deep += "/d";
  EXPECT_EQ(refusalOf(ArchiveBuilder().file(deep).bytes()), "accepted");
  EXPECT_NE(refusalOf(ArchiveBuilder().file(deep + "/e").bytes()).find("deeper than 64 names"),
            std::string::npos);
  EXPECT_NE(refusalOf(ArchiveBuilder().file(std::string(256, 'n')).bytes()).find("255 bytes"),
            std::string::npos);
  EXPECT_NE(refusalOf(ArchiveBuilder().file(std::string(5000, 'n')).bytes()).find("4095 bytes"),
            std::string::npos);
}

TEST_F(Hostile, OwnersBeyondTheIdsOfAContextAreRefused) {
  EXPECT_EQ(refusalOf(ArchiveBuilder().file("a", "x", owner(65535, 65534)).bytes()), "accepted");
  EXPECT_EQ(
      refusalOf(ArchiveBuilder().file("b", "x", owner(65536, 0)).bytes()),
      "InvalidParameter: entry 'b' is refused: its owner 65536:0 is beyond the ids of a context");
  EXPECT_EQ(refusalOf(ArchiveBuilder().file("c", "x", owner(0, 4294967295)).bytes()),
            "InvalidParameter: entry 'c' is refused: its owner 0:4294967295 is beyond the ids of a "
            "context");
  EXPECT_EQ(tree(), "file 644 65535:65534 a 'x'\n");
}

TEST_F(Hostile, ForeignAttributesAreLeftOut) {
  const UnpackResult result = unpack(
      ArchiveBuilder()
          .file("a", "x",
                [](archive_entry* entry) {
                  ::archive_entry_xattr_add_entry(entry, "trusted.overlay.redirect", "/etc", 4);
                  ::archive_entry_xattr_add_entry(entry, "security.selinux", "x", 1);
                })
          .bytes());
  EXPECT_EQ(result.skipped,
            (Texts{"a: attribute 'trusted.overlay.redirect'", "a: attribute 'security.selinux'"}));
}

TEST_F(Hostile, TenGibibytesOfZerosStopAtTheBound) {
  const std::string bomb =
      ArchiveBuilder(&::archive_write_add_filter_zstd).zeros("zeros", 10 * 1024).bytes();
  ASSERT_LT(bomb.size(), 4U << 20);
  EXPECT_EQ(
      refusalOf(bomb),
      "InvalidParameter: entry 'zeros' is refused: its size 10737418240 is beyond the bound of "
      "67108864 bytes");
  EXPECT_EQ(tree(), "");
}

TEST_F(Hostile, ASurveyStopsAtTheBoundToo) {
  cage_.bounds.bytes = 1_MiB;
  const Fd file = makeSealedFile("archive", ArchiveBuilder().zeros("zeros", 2).bytes());
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  try {
    surveyArchive(runner_, cage_, file.get(), directory.get());
    FAIL() << "it was read to its end";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::InvalidParameter);
    EXPECT_NE(error.text().find("more than 1048576 bytes"), std::string::npos);
  }
}

TEST_F(Hostile, ManyFilesThatAreTooMuchTogetherStopAtTheBound) {
  ArchiveBuilder archive(&::archive_write_add_filter_zstd);
  for (int i = 0; i < 100; ++i) archive.zeros(fmt::format("zeros{:02}", i), 1);
  EXPECT_EQ(refusalOf(archive.bytes()),
            "InvalidParameter: entry 'zeros64' is refused: with it the archive holds more than "
            "67108864 bytes, which is the most accepted");
}

TEST_F(Hostile, AFileOfHolesIsBoundedByItsSize) {
  const TempDir made;
  const Fd file = openFile(made.path() + "/holes", O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(file.get(), off_t{1} << 40), 0);
  Command tar;
  tar.argv = {findProgram("tar", "tar"), "--sparse", "-C", made.path(), "-c", "holes"};
  const std::string archive = runner_.mustRun(tar, "make an archive").out;
  ASSERT_LT(archive.size(), 64U << 10);
  EXPECT_EQ(
      refusalOf(archive),
      "InvalidParameter: entry 'holes' is refused: its size 1099511627776 is beyond the bound "
      "of 67108864 bytes");
}

TEST_F(Hostile, HugeNumbersOfEntriesStopAtTheBound) {
  ArchiveBuilder archive(&::archive_write_add_filter_zstd);
  for (int i = 0; i < 100'000; ++i) archive.directory(fmt::format("d{}", i));
  EXPECT_EQ(refusalOf(archive.bytes()),
            "InvalidParameter: the archive has more than 1000 entries, which is the most accepted");
}

TEST_F(Hostile, TruncatedArchivesAreRefusedWhereverTheyEnd) {
  const std::string plain =
      ArchiveBuilder().file("a", std::string(2000, 'a')).file("b", std::string(2000, 'b')).bytes();
  const std::string packed = ArchiveBuilder(&::archive_write_add_filter_zstd)
                                 .file("a", std::string(2000, 'a'))
                                 .file("b")
                                 .bytes();
  // From within the first header to just before the end marker.
  for (std::size_t size = 100; size <= plain.size() - 1024; size += 100)
    EXPECT_EQ(refusalOf(plain.substr(0, size)).substr(0, 17), "InvalidParameter:") << size;
  for (std::size_t size = 1; size < packed.size(); size += 10)
    EXPECT_EQ(refusalOf(packed.substr(0, size)).substr(0, 17), "InvalidParameter:") << size;
  EXPECT_EQ(refusalOf(plain), "accepted");
  EXPECT_EQ(refusalOf(packed), "accepted");
}

TEST_F(Hostile, WhatIsNoArchiveIsRefused) {
  std::string noise;
  for (unsigned i = 0; i < 200'000; ++i) noise += static_cast<char>(i * 2654435761U >> 24);
  for (const std::string& bytes : {std::string(), std::string("not an archive"), noise,
                                   std::string(1U << 20, '\0'), "#!/bin/sh\n" + noise})
    EXPECT_EQ(refusalOf(bytes).substr(0, 17), "InvalidParameter:") << bytes.size();
  EXPECT_EQ(tree(), "");
}

TEST_F(Hostile, AnArchiveOfAContextIsNoneOfATemplate) {
  const std::string tree = ArchiveBuilder(&::archive_write_add_filter_zstd).file("a").bytes();
  EXPECT_EQ(refusalOf(encodeHead("{}") + tree),
            "InvalidParameter: the archive is one of a context, not of a template");
  EXPECT_EQ(refusalOf(tree), "accepted");
}

TEST_F(Hostile, AFlippedByteIsSeenByTheChecksum) {
  const std::string good = ArchiveBuilder().file("a", "content").bytes();
  const std::string sha256 = unpack(good).sha256;
  std::string bad = good;
  bad[bad.find("content")] = 'C';
  const Fd bytes = makeSealedFile("archive", bad);
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  EXPECT_THROW(unpackArchive(runner_, cage_, bytes.get(), directory.get(), sha256), Error);
}

TEST_F(Hostile, AHeaderFlippedAnywhereNeitherCrashesTheHelperNorLeavesTheTarget) {
  const std::string good = ArchiveBuilder()
                               .file("dir/file", "content")
                               .link("link", "dir")
                               .hardLink("h", "dir/file")
                               .bytes();
  for (std::size_t at = 0; at < 512; at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x5a);
    const std::string answer = refusalOf(bad);
    EXPECT_TRUE(answer == "accepted" || answer.starts_with("InvalidParameter: "))
        << at << ": " << answer;
  }
}

}  // namespace
}  // namespace vs::storage
