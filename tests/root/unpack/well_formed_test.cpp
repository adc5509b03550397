// Archives as they should be, through the real helper and back.
#include <sys/xattr.h>

#include "tests/root/unpack/unpack_fixture.hpp"

namespace vs::storage {
namespace {

using Texts = std::vector<std::string>;
using namespace std::string_literals;

const std::string kCapability = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
const std::string kAcl =
    "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\x21\0\0\0\x04\0\x04\0\xff\xff\xff\xff"
    "\x10\0\x04\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff"s;

std::string attributeOf(const std::string& path, const char* name) {
  std::string value(4096, '\0');
  const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  return size < 0 ? "none" : value.substr(0, static_cast<std::size_t>(size));
}

ArchiveBuilder::Change mode(mode_t bits) {
  return [=](archive_entry* entry) { ::archive_entry_set_perm(entry, bits); };
}

class WellFormed : public UnpackFixture {
 protected:
  static std::string archive(ArchiveBuilder::Filter filter = &::archive_write_add_filter_none) {
    return ArchiveBuilder(filter)
        .directory("./", mode(0751))
        .directory("./etc/")
        .file("./etc/a", "text",
              [](archive_entry* entry) {
                ::archive_entry_set_uid(entry, 33);
                ::archive_entry_set_gid(entry, 8);
                ::archive_entry_set_perm(entry, 0640);
                ::archive_entry_xattr_add_entry(entry, "user.comment", "hello", 5);
              })
        .hardLink("./etc/b", "./etc/a")
        .link("./etc/mtab", "/proc/self/mounts")
        .directory("./usr/bin", mode(01777))
        .file("./usr/bin/su", "program", mode(04755))
        .file("./usr/bin/wall", "program", mode(02755))
        .file("./usr/bin/ping", "program",
              [](archive_entry* entry) {
                ::archive_entry_xattr_add_entry(entry, "security.capability", kCapability.data(),
                                                kCapability.size());
              })
        .file("./var/acl", "x",
              [](archive_entry* entry) {
                ::archive_entry_xattr_add_entry(entry, "system.posix_acl_access", kAcl.data(),
                                                kAcl.size());
              })
        .node("./run/initctl", S_IFIFO)
        .file("./\xc3\xa4\xff-name", "odd")
        .bytes();
  }
  static constexpr const char* kTree =
      "dir 755 0:0 etc\nfile 640 33:8 etc/a 'text' x2\nfile 640 33:8 etc/b 'text' x2\n"
      "link 777 0:0 etc/mtab -> /proc/self/mounts\ndir 755 0:0 run\nfifo 666 0:0 run/initctl\n"
      "dir 755 0:0 usr\ndir 1777 0:0 usr/bin\nfile 644 0:0 usr/bin/ping 'program'\n"
      "file 4755 0:0 usr/bin/su 'program'\nfile 2755 0:0 usr/bin/wall 'program'\n"
      "dir 755 0:0 var\nfile 644 0:0 var/acl 'x'\nfile 644 0:0 \xc3\xa4\xff-name 'odd'\n";

  void expectAttributes(const std::string& top) {
    EXPECT_EQ(attributeOf(top + "/etc/a", "user.comment"), "hello");
    // Read by the host's root: version 2, which is how the kernel shows a root id of 0.
    EXPECT_EQ(attributeOf(top + "/usr/bin/ping", "security.capability"), kCapability);
    EXPECT_EQ(attributeOf(top + "/var/acl", "system.posix_acl_access"), kAcl);
    struct stat status {};
    ASSERT_EQ(::stat((top + "/usr/bin").c_str(), &status), 0);
    EXPECT_EQ(status.st_mtim.tv_sec, 915148800);
    ASSERT_EQ(::stat(top.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0751U);
  }
};

TEST_F(WellFormed, ATreeIsUnpackedWithAllThatBelongsToIt) {
  const UnpackResult result = unpack(archive());
  EXPECT_EQ(tree(), kTree);
  expectAttributes(target());
  EXPECT_EQ(result.entries, 12U);
  EXPECT_EQ(result.bytes, Bytes{4 + 3 * 7 + 1 + 3});
  EXPECT_EQ(result.disk, Bytes{4096 * (6 + 3)});
  EXPECT_EQ(result.skipped, Texts{});
}

TEST_F(WellFormed, EveryCompressionIsUnderstood) {
  for (const auto filter : {&::archive_write_add_filter_gzip, &::archive_write_add_filter_bzip2,
                            &::archive_write_add_filter_xz, &::archive_write_add_filter_zstd}) {
    unpack(archive(filter));
    EXPECT_EQ(tree(), kTree);
  }
}

TEST_F(WellFormed, TheChecksumIsThatOfTheWholeFile) {
  const std::string bytes = archive(&::archive_write_add_filter_gzip) + "trailing bytes";
  Command sum;
  sum.argv = {findProgram("sha256sum", "coreutils")};
  sum.input = bytes;
  const UnpackResult result = unpack(bytes);
  EXPECT_EQ(result.sha256 + "  -\n", runner_.run(sum).out);
  EXPECT_EQ(result.archive, Bytes{bytes.size()});
}

TEST_F(WellFormed, WhatIsPackedUnpacksToTheSame) {
  unpack(archive());
  const Fd packed(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  {
    const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
    const UnpackResult result = packTree(runner_, cage_, directory.get(), packed.get());
    EXPECT_EQ(result.skipped, Texts{});
    EXPECT_EQ(result.entries, 15U);
  }
  removeTree(target());
  makeDirectories(target());
  ASSERT_EQ(::lseek(packed.get(), 0, SEEK_SET), 0);
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  unpackArchive(runner_, cage_, packed.get(), directory.get());
  EXPECT_EQ(tree(), kTree);
  expectAttributes(target());
}

TEST_F(WellFormed, HolesStayHolesBothWays) {
  const Fd file = openFile(target() + "/sparse", O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(file.get(), 32 << 20), 0);
  ASSERT_EQ(::pwrite(file.get(), "middle", 6, 16 << 20), 6);
  const Fd hole = openFile(target() + "/hole", O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(hole.get(), 8 << 20), 0);
  const Fd packed(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  {
    const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
    packTree(runner_, cage_, directory.get(), packed.get());
  }
  removeTree(target());
  makeDirectories(target());
  ASSERT_EQ(::lseek(packed.get(), 0, SEEK_SET), 0);
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  const UnpackResult result = unpackArchive(runner_, cage_, packed.get(), directory.get());
  EXPECT_LT(result.bytes, 1_MiB);
  struct stat status {};
  ASSERT_EQ(::stat((target() + "/sparse").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 32 << 20);
  EXPECT_LT(status.st_blocks, 1000);
  EXPECT_EQ(readFile(target() + "/sparse", 64U << 20).substr(16U << 20, 6), "middle");
  ASSERT_EQ(::stat((target() + "/hole").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 8 << 20);
  EXPECT_LT(status.st_blocks, 1000);
}

TEST_F(WellFormed, ATreeIsMeasuredAsItWillBePacked) {
  unpack(archive());
  const Fd sparse = openFile(target() + "/sparse", O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(sparse.get(), 32 << 20), 0);
  ASSERT_EQ(::pwrite(sparse.get(), "middle", 6, 16 << 20), 6);
  ASSERT_EQ(::mknod((target() + "/socket").c_str(), S_IFSOCK | 0600, 0), 0);
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  const UnpackResult measured = measureTree(runner_, cage_, directory.get());
  const Fd packed(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const UnpackResult result = packTree(runner_, cage_, directory.get(), packed.get());
  EXPECT_EQ(measured.entries, 16U);
  EXPECT_LT(measured.bytes, 1_MiB);
  EXPECT_EQ(measured.largest, 32_MiB);
  EXPECT_EQ(measured.entries, result.entries);
  EXPECT_GE(measured.bytes, result.bytes);
  EXPECT_GE(measured.disk, result.disk);
}

TEST_F(WellFormed, AnArchiveIsSurveyedAndLeavesNothing) {
  const std::string bytes = archive(&::archive_write_add_filter_zstd);
  const Fd file = makeSealedFile("archive", bytes);
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  const UnpackResult found = surveyArchive(runner_, cage_, file.get(), directory.get());
  EXPECT_EQ(listDirectory(target()), Texts{});
  const UnpackResult result = unpack(bytes);
  EXPECT_EQ(found.entries, result.entries);
  EXPECT_EQ(found.bytes, result.bytes);
  EXPECT_GE(found.disk, result.disk);
}

TEST_F(WellFormed, WhatFollowsAnArchiveIsNoPartOfItsChecksum) {
  const std::string plain = archive(&::archive_write_add_filter_zstd);
  const std::string sha256 = unpack(plain).sha256;
  removeTree(target());
  makeDirectories(target());
  const Fd bytes = makeSealedFile("archive", plain + std::string("\0end", 4));
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  const UnpackResult result = unpackFollowed(runner_, cage_, bytes.get(), directory.get(), 4);
  EXPECT_EQ(result.following, "00656e64");
  EXPECT_EQ(result.sha256, sha256);
  EXPECT_EQ(tree(), kTree);
}

TEST_F(WellFormed, PackingSkipsSocketsAndListsThem) {
  ASSERT_EQ(::mknod((target() + "/socket").c_str(), S_IFSOCK | 0600, 0), 0);
  const Fd packed(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  EXPECT_EQ(packTree(runner_, cage_, directory.get(), packed.get()).skipped,
            Texts{"./socket: socket"});
}

TEST_F(WellFormed, ACancelledUnpackingEnds) {
  cage_.isCancelled = [] { return true; };
  // An archive that never comes: the writing end of the pipe stays open.
  const FdPair pipe = makePipe();
  const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
  try {
    unpackArchive(runner_, cage_, pipe.first.get(), directory.get());
    FAIL() << "it was not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Cancelled);
  }
}

}  // namespace
}  // namespace vs::storage
