// Volumes and archives on a file system that is too small, which a tmpfs of our own stands for.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "tests/root/unpack/archive_builder.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/storage/dir_engine.hpp"
#include "vsd/storage/unpack.hpp"

namespace vs::storage {
namespace {

class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    check(::mount("vsd-test", scratch_.path().c_str(), "tmpfs", 0, "size=200M,mode=700"),
          "mount a tmpfs");
  }
  ~FullDisk() override { ::umount2(scratch_.path().c_str(), MNT_DETACH); }

  // A template of this many MiB that says of itself to have `told` bytes.
  void makeTemplate(DirEngine& engine, std::size_t mebibytes, const std::string& told) {
    const std::string tree = engine.beginTemplate("t", {});
    const std::string block(1U << 20, 'x');
    const Fd file = openFile(tree + "/big", O_WRONLY | O_CREAT, 0644);
    for (std::size_t i = 0; i < mebibytes; ++i) writeAll(file.get(), block, "the big file");
    engine.finishTemplate("t", "{\"size\":" + told + "}");
  }
  Error errorOfCreate(DirEngine& engine) {
    try {
      engine.createFromTemplate({"web1", "t", std::nullopt, ""}, {});
    } catch (const Error& error) {
      return error;
    }
    return Error(Kind::Failed, "none");
  }

  TempDir scratch_;
  RealRunner runner_;
};

TEST_F(FullDisk, ACopyThatCannotFitIsNotBegun) {
  const Paths paths{scratch_.path(), ""};
  DirEngine engine(paths, runner_);
  makeTemplate(engine, 1, "1073741824");
  const Error error = errorOfCreate(engine);
  EXPECT_EQ(error.text(), "cannot create volume 'web1': not enough space in '" + paths.volumes() +
                              "': 1.1G needed, 199M free");
  EXPECT_EQ(error.errnoValue(), ENOSPC);
  EXPECT_TRUE(listDirectory(paths.volumes()).empty());
}

TEST_F(FullDisk, ACopyThatFillsTheDiskLeavesNothing) {
  const Paths paths{scratch_.path(), ""};
  DirEngine engine(paths, runner_);
  makeTemplate(engine, 110, "1");
  const Error error = errorOfCreate(engine);
  EXPECT_EQ(error.text().substr(0, 43), "cannot create volume 'web1': not enough spa");
  EXPECT_EQ(error.errnoValue(), ENOSPC);
  EXPECT_TRUE(listDirectory(paths.volumes()).empty());
  EXPECT_TRUE(engine.list().empty());
}

TEST_F(FullDisk, AnArchiveThatFillsTheDiskFailsWithThatReason) {
  makeDirectories(scratch_.path() + "/target");
  Cage cage;
  cage.program = VSD_UNPACK;
  cage.firstId = 1'000'000'000;
  const Fd archive = makeSealedFile(
      "archive", ArchiveBuilder(&::archive_write_add_filter_zstd).zeros("zeros", 300).bytes());
  const Fd target = openFile(scratch_.path() + "/target", O_PATH | O_DIRECTORY);
  try {
    unpackArchive(runner_, cage, archive.get(), target.get());
    FAIL() << "300 MiB went into 200";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::Failed);
    EXPECT_EQ(error.errnoValue(), ENOSPC);
    EXPECT_EQ(error.text(), "write 'zeros': No space left on device");
  }
}

}  // namespace
}  // namespace vs::storage
