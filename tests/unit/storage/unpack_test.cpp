#include "vsd/storage/unpack.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_runner.hpp"
#include "vsd/base/error.hpp"

namespace vs::storage {
namespace {

constexpr const char* kAnswer =
    R"({"entries":3,"bytes":10,"disk":8192,"largest":6,"archive":512,"sha256":"ab12",)"
    R"("following":"","skippedCount":2,"skipped":["dev/sda: device node","x\u001b[2J: socket"]})";

Cage cage() {
  Cage made;
  made.program = "/usr/libexec/vsd/vsd-unpack";
  made.firstId = 524288;
  made.bounds = {1_MiB, 2_MiB, 1000, 64, Millis(1000)};
  return made;
}

Error errorOf(const Output& answer) {
  FakeRunner runner;
  runner.answer(answer);
  try {
    unpackArchive(runner, cage(), 7, 8);
  } catch (const Error& error) {
    return error;
  }
  return Error(Kind::Failed, "no error");
}

TEST(Unpack, TellsTheHelperWhatItMayDoAndReadsItsAnswer) {
  FakeRunner runner;
  runner.answer({0, kAnswer, ""});
  const UnpackResult result = unpackArchive(runner, cage(), 7, 8);
  EXPECT_EQ(runner.ran, std::vector<std::string>{
                            "/usr/libexec/vsd/vsd-unpack extract --ids 524288 --archive 7 "
                            "--target 8 --following 0 --max-bytes 1048576 --max-size 2097152 "
                            "--max-entries 1000 --max-depth 64"});
  EXPECT_EQ(result.entries, 3U);
  EXPECT_EQ(result.bytes, Bytes{10});
  EXPECT_EQ(result.disk, 8_KiB);
  EXPECT_EQ(result.archive, Bytes{512});
  EXPECT_EQ(result.sha256, "ab12");
  EXPECT_EQ(result.skippedCount, 2U);
  EXPECT_EQ(result.skipped, (std::vector<std::string>{"dev/sda: device node", "x?[2J: socket"}));
}

TEST(Unpack, PassesTheHelpersErrorOn) {
  const Error error = errorOf(
      {1, R"({"error":"entry '/x' is refused","kind":"InvalidParameter","errno":0,"hint":"h"})",
       ""});
  EXPECT_EQ(error.kind(), Kind::InvalidParameter);
  EXPECT_EQ(error.text(), "entry '/x' is refused");
  EXPECT_EQ(error.hint(), "h");
  const Error full = errorOf({1, R"({"error":"write 'x'","kind":"Failed","errno":28})", ""});
  EXPECT_EQ(full.kind(), Kind::Failed);
  EXPECT_EQ(full.errnoValue(), ENOSPC);
}

TEST(Unpack, SaysWhenTheCageEndedTheHelper) {
  EXPECT_EQ(errorOf({159, "", ""}).text(), "the unpacker was ended by signal 31");
}

TEST(Unpack, TakesNoAnswerThatIsNone) {
  for (const char* text : {"", "{", "[]", "{}", R"({"entries":"many"})", R"({"error":1})"})
    EXPECT_NE(errorOf({0, text, ""}).text(), "no error") << text;
}

TEST(Unpack, RefusesAnArchiveOfAnotherChecksum) {
  FakeRunner runner;
  runner.answer({0, kAnswer, ""});
  runner.answer({0, kAnswer, ""});
  EXPECT_NO_THROW(unpackArchive(runner, cage(), 7, 8, "ab12"));
  try {
    unpackArchive(runner, cage(), 7, 8, "ffff");
    FAIL() << "an archive of another checksum was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.text(), "the archive has the checksum ab12, not ffff");
  }
}

TEST(Unpack, TellsTheHelperWhatFollowsTheArchive) {
  FakeRunner runner;
  runner.answer({0,
                 R"({"entries":1,"bytes":1,"disk":1,"largest":1,"archive":1,"sha256":"a",)"
                 R"("following":"656e64","skippedCount":0,"skipped":[]})",
                 ""});
  EXPECT_EQ(unpackFollowed(runner, cage(), 7, 8, 3).following, "656e64");
  EXPECT_NE(runner.ran.at(0).find("--target 8 --following 3 "), std::string::npos);
}

}  // namespace
}  // namespace vs::storage
