#include "vsd/base/units.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

std::string textOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.text();
  }
  return "no error";
}

TEST(ParseBytes, ReadsNumbersWithAndWithoutUnit) {
  EXPECT_EQ(parseBytes("4096", "size").value, 4096U);
  EXPECT_EQ(parseBytes("512M", "size").value, 512U << 20);
  EXPECT_EQ(parseBytes("1.5g", "size").value, 3U << 29);
  EXPECT_EQ(parseBytes("2GiB", "size").value, 2ULL << 30);
  EXPECT_EQ(parseBytes("1kB", "size").value, 1024U);
}

TEST(ParseBitRate, ReadsWhatIsMeantOfAWireAndWantsItsUnit) {
  EXPECT_EQ(parseBitRate("100Mbit", "rate"), 100'000'000U);
  EXPECT_EQ(parseBitRate("1.5gbit", "rate"), 1'500'000'000U);
  EXPECT_EQ(parseBitRate("64Kbit", "rate"), 64'000U);
  EXPECT_EQ(parseBitRate("9600bit", "rate"), 9600U);
  EXPECT_EQ(textOf([] { parseBitRate("100M", "rate"); }),
            "rate '100M' has no unit that is known; use bit, kbit, Mbit or Gbit");
  EXPECT_EQ(textOf([] { parseBitRate("fast", "rate"); }),
            "rate 'fast' is not a number with a unit; write for example 100Mbit or 1Gbit");
  EXPECT_EQ(formatBitRate(1'500'000), "1.5Mbit");
  EXPECT_EQ(formatBitRate(9600), "9.6kbit");
  EXPECT_EQ(formatBitRate(10), "10bit");
}

TEST(ParseBytes, RefusesWhatIsNoSizeAndNamesIt) {
  EXPECT_EQ(textOf([] { parseBytes("", "memory"); }),
            "memory '' is not a number with a unit; write for example 512M or 2G");
  EXPECT_EQ(textOf([] { parseBytes("-1G", "memory"); }),
            "memory '-1G' is not a number with a unit; write for example 512M or 2G");
  EXPECT_EQ(textOf([] { parseBytes("1.2.3", "memory"); }),
            "memory '1.2.3' is not a number with a unit; write for example 512M or 2G");
  EXPECT_EQ(textOf([] { parseBytes("5X", "memory"); }),
            "memory '5X' has an unknown unit 'X'; use K, M, G, T or P");
  EXPECT_EQ(textOf([] { parseBytes("5Mx", "memory"); }),
            "memory '5Mx' has an unknown unit 'Mx'; use K, M, G, T or P");
  EXPECT_EQ(textOf([] { parseBytes("9000000P", "memory"); }), "memory '9000000P' is beyond 8 EiB");
}

TEST(FormatBytes, KeepsThreeDigitsAtMost) {
  EXPECT_EQ(formatBytes({0}), "0B");
  EXPECT_EQ(formatBytes({1023}), "1023B");
  EXPECT_EQ(formatBytes({1536}), "1.5K");
  EXPECT_EQ(formatBytes(512_MiB), "512M");
  EXPECT_EQ(formatBytes(3_GiB), "3.0G");
}

TEST(ParseDuration, ReadsUnitsAndTakesBareNumbersAsSeconds) {
  EXPECT_EQ(parseDuration("250ms", "t").count(), 250);
  EXPECT_EQ(parseDuration("10", "t").count(), 10'000);
  EXPECT_EQ(parseDuration("1.5m", "t").count(), 90'000);
  EXPECT_EQ(parseDuration("2h", "t").count(), 7'200'000);
  EXPECT_EQ(textOf([] { parseDuration("3w", "timeout"); }),
            "timeout '3w' has an unknown unit 'w'; use ms, s, m, h or d");
}

TEST(FormatDuration, ChangesUnitWithSize) {
  EXPECT_EQ(formatDuration(Millis(12)), "12ms");
  EXPECT_EQ(formatDuration(Millis(3'250)), "3.2s");
  EXPECT_EQ(formatDuration(Millis(93'500)), "1m33s");
  EXPECT_EQ(formatDuration(Millis(7'260'000)), "2h01m");
  EXPECT_EQ(formatDuration(Millis(90'000'000)), "1d01h");
}

TEST(FormatTime, IsRfc3339InUtc) {
  EXPECT_EQ(formatTime(std::chrono::system_clock::time_point(Millis(1'204'372'800'250))),
            "2008-03-01T12:00:00.250Z");
}

}  // namespace
}  // namespace vs
