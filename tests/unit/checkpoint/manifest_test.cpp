#include "checkpoint/manifest.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::checkpoint {
namespace {

class ImageDirectory : public testing::Test {
 protected:
  void SetUp() override {
    put("core-1.img", "core");
    put("pages-1.img", std::string(3'000'000, 'p'));
    put("dump.log", "talk");
    put("stats-dump", "figures");
    directory_ = openDirectory(scratch_.path());
    manifest_ = {"uuid", "2026-01-02T03:04:05Z",       "6.12",
                 {},     scanImages(directory_.get()), Json::array({1, 2})};
  }
  void put(const std::string& name, const std::string& text) {
    writeAtomic(scratch_.path() + "/" + name, text);
  }
  std::string refusal() {
    try {
      verifyImages(directory_.get(), manifest_);
      return "";
    } catch (const Error& error) {
      return error.text();
    }
  }

  TempDir scratch_;
  Fd directory_;
  Manifest manifest_;
};

TEST_F(ImageDirectory, HoldsImagesAndNotWhatCriuSaysOfItsWork) {
  ASSERT_EQ(manifest_.files.size(), 2U);
  EXPECT_EQ(manifest_.files[0].name, "core-1.img");
  EXPECT_EQ(manifest_.files[0].size, 4U);
  EXPECT_EQ(manifest_.files[1].size, 3'000'000U);
  EXPECT_EQ(refusal(), "");
}

TEST_F(ImageDirectory, AManifestComesOutAsItWentIn) {
  const Manifest read = manifestFrom(parseJson(toJson(manifest_).dump(), "it"));
  EXPECT_EQ(read.uuid, "uuid");
  EXPECT_EQ(read.kernel, "6.12");
  EXPECT_EQ(read.files, manifest_.files);
  EXPECT_EQ(read.groups, Json::array({1, 2}));
}

TEST_F(ImageDirectory, AnotherVersionAndDamageAreRefused) {
  Json json = toJson(manifest_);
  json["version"] = 1;
  EXPECT_THROW(manifestFrom(json), Error);
  json = toJson(manifest_);
  json.erase("files");
  EXPECT_THROW(manifestFrom(json), Error);
}

TEST_F(ImageDirectory, AFileThatIsMissingShorterChangedOrTooManyIsNamed) {
  put("core-1.img", "cor");
  EXPECT_EQ(refusal(), "'core-1.img' of the memory image has 3 bytes instead of 4");
  put("core-1.img", "cure");
  EXPECT_EQ(refusal(), "'core-1.img' of the memory image is damaged");
  removeFile(scratch_.path() + "/core-1.img");
  EXPECT_EQ(refusal(), "'core-1.img' of the memory image is missing");
  put("core-1.img", "core");
  put("core-2.img", "core");
  EXPECT_EQ(refusal(), "'core-2.img' does not belong to the memory image");
}

TEST_F(ImageDirectory, LinksAndFifosAreRefused) {
  removeFile(scratch_.path() + "/core-1.img");
  ASSERT_EQ(::symlink("/etc/passwd", (scratch_.path() + "/core-1.img").c_str()), 0);
  EXPECT_NE(refusal(), "");
  removeFile(scratch_.path() + "/core-1.img");
  ASSERT_EQ(::mkfifo((scratch_.path() + "/core-1.img").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "'core-1.img' of a memory image is no regular file");
}

}  // namespace
}  // namespace vs::checkpoint
