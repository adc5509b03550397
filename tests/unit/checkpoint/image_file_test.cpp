#include "checkpoint/image_file.hpp"

#include <gtest/gtest.h>

#include <random>

#include "checkpoint/criu_images.pb.h"
#include "vsd/base/error.hpp"

namespace vs::checkpoint {
namespace {

image::File timerFile(std::uint64_t value, std::uint64_t interval) {
  image::File file;
  file.set_id(7);
  file.mutable_timer()->set_value_nanoseconds(value);
  file.mutable_timer()->set_interval_nanoseconds(interval);
  // A field that is not known here: it must come through.
  file.GetReflection()->MutableUnknownFields(&file)->AddVarint(1, 17);
  return file;
}

std::string imageOf(const image::File& file) {
  return fileOf({"", file.SerializeAsString()}, kFilesMagic);
}

image::File secondIn(const std::string& bytes) {
  image::File file;
  const std::string_view entry = entriesOf(bytes, kFilesMagic).at(1);
  EXPECT_TRUE(file.ParseFromArray(entry.data(), static_cast<int>(entry.size())));
  return file;
}

TEST(ImageFile, EntriesComeOutAsTheyWentIn) {
  const std::string bytes = fileOf({"one", "", "three"}, kFilesMagic);
  EXPECT_EQ(entriesOf(bytes, kFilesMagic), (std::vector<std::string_view>{"one", "", "three"}));
  EXPECT_TRUE(entriesOf("", kFilesMagic).empty());
}

TEST(ImageFile, OneThatIsCutOffOrOfAnotherKindIsRefused) {
  const std::string bytes = fileOf({"one", "two"}, kFilesMagic);
  EXPECT_THROW(entriesOf(bytes, 1), Error);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const bool isWhole = size == 8 || size == 8 + 4 + 3;  // after the head, after an entry
    if (isWhole)
      EXPECT_NO_THROW(entriesOf(std::string_view(bytes).substr(0, size), kFilesMagic)) << size;
    else
      EXPECT_THROW(entriesOf(std::string_view(bytes).substr(0, size), kFilesMagic), Error) << size;
  }
  std::string large = bytes;
  large[8] = large[9] = large[10] = large[11] = '\xff';
  EXPECT_THROW(entriesOf(large, kFilesMagic), Error);
}

// Damage of any kind is an error and nothing else, whatever it says of lengths.
TEST(ImageFile, WhateverIsInItIsReadOrRefused) {
  std::mt19937 random(20261129);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  const std::string whole =
      fileOf({"", timerFile(0, 5).SerializeAsString(), std::string(300, 'x')}, kFilesMagic);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (std::size_t changes = 1 + below(6); changes > 0 && !bytes.empty(); --changes) {
      const std::size_t place = below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes[place] = static_cast<char>(random());
          break;
        case 1:
          bytes.resize(place);
          break;
        case 2:
          bytes.insert(place, below(9), static_cast<char>(random()));
          break;
        default:
          bytes.erase(place, below(9));
      }
    }
    try {
      std::size_t total = 0;
      for (const std::string_view entry : entriesOf(bytes, kFilesMagic)) total += entry.size();
      EXPECT_LE(total, bytes.size());
      withTimersArmed(bytes);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 20'000);
}

TEST(ImageFile, APeriodicTimerThatHadExpiredIsArmed) {
  const std::string mended = withTimersArmed(imageOf(timerFile(0, 20'000'000)));
  const image::File file = secondIn(mended);
  EXPECT_EQ(file.timer().value_nanoseconds(), 1U);
  EXPECT_EQ(file.timer().interval_nanoseconds(), 20'000'000U);
  EXPECT_EQ(file.id(), 7U);
  const auto& unknown = file.GetReflection()->GetUnknownFields(file);
  ASSERT_EQ(unknown.field_count(), 1);
  EXPECT_EQ(unknown.field(0).varint(), 17U);
}

TEST(ImageFile, OtherTimersStayAsTheyWere) {
  for (const auto& file : {timerFile(5, 20), timerFile(0, 0), timerFile(9, 0)})
    EXPECT_EQ(withTimersArmed(imageOf(file)), imageOf(file));
}

TEST(ImageFile, AnEntryThatIsNoMessageIsRefused) {
  EXPECT_THROW(withTimersArmed(fileOf({"\xff\xff\xff"}, kFilesMagic)), Error);
}

}  // namespace
}  // namespace vs::checkpoint
