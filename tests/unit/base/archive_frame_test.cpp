#include "vsd/base/archive_frame.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"

namespace vs {
namespace {

// sha256 of "{}".
constexpr std::string_view kChecksum =
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

// The manifest in `bytes`, or "Kind: text" of the refusal.
std::string read(const std::string& bytes) {
  const Fd file = makeSealedFile("archive", bytes);
  try {
    return readHead(file.get(), Millis(1000));
  } catch (const Error& error) {
    return fmt::format("{}: {}", nameOf(error.kind()), error.text());
  }
}

TEST(ArchiveFrame, HeadAndEndAreSkippableFramesOfZstd) {
  const std::string head = encodeHead("{}");
  EXPECT_EQ(head.substr(0, 4), "\x5c\x2a\x4d\x18");
  EXPECT_EQ(head.substr(4, 4), std::string({static_cast<char>(head.size() - 8), 0, 0, 0}));
  EXPECT_EQ(head.substr(8), fmt::format("vsd-context 1 {}\n{{}}", kChecksum));
  const std::string end = encodeEnd("{}", std::string(64, 'e'));
  EXPECT_EQ(end.size(), kEndSize);
  EXPECT_EQ(end.substr(8), fmt::format("vsd-end {} {}\n", kChecksum, std::string(64, 'e')));
}

TEST(ArchiveFrame, TheFileStandsBehindTheHeadAfterItWasRead) {
  const FdPair pipe = makePipe();
  writeAll(pipe.second.get(), encodeHead("{\"a\": 1}") + "tree", "a test");
  EXPECT_EQ(readHead(pipe.first.get(), Millis(1000)), "{\"a\": 1}");
  char rest[8] = {};
  EXPECT_EQ(::read(pipe.first.get(), rest, sizeof rest), 4);
  EXPECT_STREQ(rest, "tree");
}

TEST(ArchiveFrame, AHeadThatIsCutOffAnywhereIsRefused) {
  const std::string head = encodeHead("{\"name\": \"web1\"}");
  for (std::size_t length = 0; length < head.size(); ++length)
    EXPECT_TRUE(read(head.substr(0, length)).starts_with("InvalidParameter: ")) << length;
  EXPECT_EQ(read(head.substr(0, 30)), "InvalidParameter: the archive ends within its head");
}

TEST(ArchiveFrame, AHeadThatWasChangedAnywhereIsRefused) {
  const std::string head = encodeHead("{\"name\": \"web1\"}");
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string changed = head;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_NE(read(changed + std::string(1000, 'x')).find(": the "), std::string::npos) << i;
  }
}

TEST(ArchiveFrame, WhatIsNoArchiveOfAContextIsTold) {
  EXPECT_EQ(read("text"), "InvalidParameter: the file is no archive of a context");
  EXPECT_EQ(read("\x28\xb5\x2f\xfd" + std::string(200, 'x')),
            "InvalidParameter: the file is no archive of a context");
  std::string newer = encodeHead("{}");
  newer[20] = '2';
  EXPECT_EQ(read(newer), "Unsupported: the archive's format is not one this vsd knows");
  std::string longer = encodeHead("{}");
  longer[7] = '\x7f';
  EXPECT_EQ(read(longer), "InvalidParameter: the archive was changed");
}

TEST(ArchiveFrame, APipeThatGivesNothingIsNotWaitedForForEver) {
  const FdPair pipe = makePipe();
  try {
    readHead(pipe.first.get(), Millis(20));
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::TimedOut);
  }
}

TEST(ArchiveFrame, AManifestThatNobodyWouldReadIsNotWritten) {
  EXPECT_NO_THROW(encodeHead(std::string(kMaxManifest, 'x')));
  EXPECT_THROW(encodeHead(std::string(kMaxManifest + 1, 'x')), Error);
}

}  // namespace
}  // namespace vs
