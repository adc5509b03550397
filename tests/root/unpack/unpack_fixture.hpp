// An empty target beside files that must never change, and the real helper.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/root/unpack/archive_builder.hpp"
#include "tests/support/tree_text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/storage/unpack.hpp"

namespace vs::storage {

class UnpackFixture : public testing::Test {
 protected:
  UnpackFixture() {
    makeDirectories(target());
    makeDirectories(outside());
    writeAtomic(outside() + "/precious", "untouched", 0644);
    cage_.program = VSD_UNPACK;
    cage_.firstId = 1'000'000'000;
    cage_.bounds = {64_MiB, 64_MiB, 1000, 64, Millis(120'000)};
    outsideBefore_ = treeText(outside());
    etcBefore_ = treeText("/etc/cron.d");
  }
  ~UnpackFixture() override {
    EXPECT_EQ(treeText(outside()), outsideBefore_);
    EXPECT_EQ(treeText("/etc/cron.d"), etcBefore_);
    EXPECT_EQ(listDirectory(scratch_.path()), (std::vector<std::string>{"outside", "target"}));
  }

  std::string target() const { return scratch_.path() + "/target"; }
  std::string outside() const { return scratch_.path() + "/outside"; }
  std::string tree() const { return treeText(target()); }

  UnpackResult unpack(const std::string& archive) {
    const Fd bytes = makeSealedFile("archive", archive);
    const Fd directory = openFile(target(), O_PATH | O_DIRECTORY);
    return unpackArchive(runner_, cage_, bytes.get(), directory.get());
  }
  // "Kind: text" of the refusal, "accepted" when there was none.
  std::string refusalOf(const std::string& archive) {
    try {
      unpack(archive);
      return "accepted";
    } catch (const Error& error) {
      return fmt::format("{}: {}", nameOf(error.kind()), error.text());
    }
  }

  TempDir scratch_;
  RealRunner runner_;
  Cage cage_;
  std::string outsideBefore_;
  std::string etcBefore_;
};

}  // namespace vs::storage
