#include "checkpoint/cpu.hpp"

#include <gtest/gtest.h>

#include "vsd/base/error.hpp"

namespace vs::checkpoint {
namespace {

constexpr std::string_view kInfo =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
    "model name\t: Intel(R) Xeon(R) Gold: 6230\n"
    "flags\t\t: fpu vmx sse4_2 avx avx2 avx512f ibrs md_clear rdrand hypervisor\n"
    "vmx flags\t: avx999\n\nprocessor\t: 1\nvendor_id\t: Other\nflags\t\t: mmx\n";

Cpu cpu(std::set<std::string> features, std::uint64_t xcr0 = 7, std::uint32_t bytes = 832) {
  return {"GenuineIntel", "a model", std::move(features), xcr0, bytes};
}

TEST(Cpu, IsWhatProgramsCanUse) {
  const Cpu found = parseCpuInfo(kInfo);
  EXPECT_EQ(found.vendor, "GenuineIntel");
  EXPECT_EQ(found.model, "Intel(R) Xeon(R) Gold: 6230");
  EXPECT_EQ(found.features,
            (std::set<std::string>{"avx", "avx2", "avx512f", "fpu", "rdrand", "sse4_2"}));
  EXPECT_EQ(parseCpuInfo(""), Cpu{});
}

TEST(Cpu, ComesOutOfJsonAsItWentIn) {
  const Cpu one = cpu({"avx", "sse"});
  EXPECT_EQ(cpuFrom(parseJson(toJson(one).dump(), "it")), one);
  EXPECT_THROW(cpuFrom(Json{{"vendor", 1}}), Error);
  EXPECT_THROW(cpuFrom(Json::array()), Error);
}

TEST(Cpu, OfThisHostLacksNothingOfItself) {
  const Cpu here = thisCpu();
  EXPECT_FALSE(here.vendor.empty());
  EXPECT_TRUE(here.features.contains("fpu"));
  EXPECT_EQ(here.xcr0 & 3U, 3U);  // x87 and SSE
  EXPECT_GE(here.xsaveBytes, 512U + 64U);
  EXPECT_TRUE(whatLacks(here, here).empty());
}

TEST(Cpu, WhatIsMoreIsNoTroubleAndWhatIsLessIs) {
  EXPECT_TRUE(whatLacks(cpu({"avx"}), cpu({"avx", "avx2"})).empty());
  EXPECT_EQ(whatLacks(cpu({"avx", "avx2", "sha_ni"}), cpu({"avx"})),
            (std::vector<std::string>{"the processor has no avx2, sha_ni"}));
}

TEST(Cpu, WhatProgramsSaveMustBeTheSameBothWays) {
  EXPECT_EQ(whatLacks(cpu({}), cpu({}, 0xe7, 2696)).size(), 1U);
  EXPECT_EQ(whatLacks(cpu({}, 0xe7, 2696), cpu({})).size(), 1U);
}

TEST(Cpu, AnotherVendorIsRefused) {
  Cpu other = cpu({"avx"});
  other.vendor = "AuthenticAMD";
  EXPECT_EQ(whatLacks(cpu({"avx"}), other),
            (std::vector<std::string>{"the processor is of AuthenticAMD, not GenuineIntel"}));
}

TEST(Cpu, ABaselineIsWhatAllHave) {
  const std::vector<Cpu> hosts{cpu({"avx", "avx2"}), cpu({"avx", "sha_ni"}), cpu({"avx", "avx2"})};
  const Cpu baseline = baselineOf(hosts);
  EXPECT_EQ(baseline.features, std::set<std::string>{"avx"});
  for (const Cpu& host : hosts) EXPECT_TRUE(whatLacks(baseline, host).empty());
  const std::vector<Cpu> mixed{cpu({}), cpu({}, 0xe7, 2696)};
  EXPECT_EQ(baselineOf(mixed).xcr0, 0U);
}

}  // namespace
}  // namespace vs::checkpoint
