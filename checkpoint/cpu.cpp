#include "checkpoint/cpu.hpp"

#include <cpuid.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::checkpoint {
namespace {

// What a program may have chosen its code by. Families are named by how they begin.
constexpr std::array kInstructions = {
    std::string_view("fpu"),        std::string_view("cx8"),      std::string_view("cmov"),
    std::string_view("mmx"),        std::string_view("mmxext"),   std::string_view("fxsr"),
    std::string_view("pni"),        std::string_view("ssse3"),    std::string_view("fma"),
    std::string_view("fma4"),       std::string_view("cx16"),     std::string_view("movbe"),
    std::string_view("popcnt"),     std::string_view("aes"),      std::string_view("pclmulqdq"),
    std::string_view("xsave"),      std::string_view("avx"),      std::string_view("avx2"),
    std::string_view("f16c"),       std::string_view("rdrand"),   std::string_view("rdseed"),
    std::string_view("lahf_lm"),    std::string_view("abm"),      std::string_view("xop"),
    std::string_view("tbm"),        std::string_view("lwp"),      std::string_view("fsgsbase"),
    std::string_view("bmi1"),       std::string_view("bmi2"),     std::string_view("hle"),
    std::string_view("rtm"),        std::string_view("adx"),      std::string_view("clflush"),
    std::string_view("clflushopt"), std::string_view("clwb"),     std::string_view("clzero"),
    std::string_view("sha_ni"),     std::string_view("sha512"),   std::string_view("sm3"),
    std::string_view("sm4"),        std::string_view("xsaveopt"), std::string_view("xsavec"),
    std::string_view("xgetbv1"),    std::string_view("gfni"),     std::string_view("vaes"),
    std::string_view("vpclmulqdq"), std::string_view("rdpid"),    std::string_view("rdtscp"),
    std::string_view("ospke"),      std::string_view("waitpkg"),  std::string_view("movdiri"),
    std::string_view("movdir64b"),  std::string_view("enqcmd"),   std::string_view("serialize"),
    std::string_view("cldemote"),   std::string_view("tsxldtrk"), std::string_view("prefetchwt1"),
    std::string_view("3dnow"),      std::string_view("3dnowext"), std::string_view("3dnowprefetch"),
    std::string_view("user_shstk"), std::string_view("ibt"),      std::string_view("nopl"),
    std::string_view("syscall"),    std::string_view("lm"),       std::string_view("mwaitx")};
constexpr std::array kFamilies = {std::string_view("sse"), std::string_view("avx512"),
                                  std::string_view("avx_"), std::string_view("amx_"),
                                  std::string_view("avx10")};

bool isInstruction(std::string_view feature) {
  return std::ranges::find(kInstructions, feature) != kInstructions.end() ||
         std::ranges::any_of(kFamilies,
                             [&](std::string_view family) { return feature.starts_with(family); });
}

std::set<std::string> instructionsIn(std::string_view words) {
  std::set<std::string> features;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (isInstruction(word)) features.emplace(word);
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return features;
}

// The value of the first line "key\t: value".
std::string_view valueOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    while (name.ends_with('\t') || name.ends_with(' ')) name.remove_suffix(1);
    if (name == key) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

Cpu parseCpuInfo(std::string_view cpuinfo) {
  Cpu cpu;
  cpu.vendor = valueOf(cpuinfo, "vendor_id");
  cpu.model = valueOf(cpuinfo, "model name");
  cpu.features = instructionsIn(valueOf(cpuinfo, "flags"));
  return cpu;
}

Cpu thisCpu() {
  Cpu cpu = parseCpuInfo(readFile("/proc/cpuinfo", 64U << 20));
#ifdef __x86_64__
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kOsUsesXsave = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsUsesXsave) == 0) return cpu;
  unsigned low = 0;
  unsigned high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  cpu.xcr0 = std::uint64_t{high} << 32 | low;
  if (__get_cpuid_count(0xD, 0, &a, &b, &c, &d) != 0) cpu.xsaveBytes = b;
#endif
  return cpu;
}

Json toJson(const Cpu& cpu) {
  return {{"vendor", cpu.vendor},
          {"model", cpu.model},
          {"features", cpu.features},
          {"xcr0", cpu.xcr0},
          {"xsaveBytes", cpu.xsaveBytes}};
}

Cpu cpuFrom(const Json& json) {
  try {
    return {json.at("vendor"), json.at("model"), json.at("features"), json.at("xcr0"),
            json.at("xsaveBytes")};
  } catch (const Json::exception& error) {
    throw invalid("what is said of a processor is damaged: {}", error.what());
  }
}

std::vector<std::string> whatLacks(const Cpu& from, const Cpu& to) {
  std::vector<std::string> lacks;
  if (from.vendor != to.vendor)
    lacks.push_back(fmt::format("the processor is of {}, not {}", to.vendor, from.vendor));
  std::vector<std::string> missing;
  std::ranges::set_difference(from.features, to.features, std::back_inserter(missing));
  if (!missing.empty())
    lacks.push_back(fmt::format("the processor has no {}", fmt::join(missing, ", ")));
  if (from.xcr0 != to.xcr0 || from.xsaveBytes != to.xsaveBytes)
    lacks.push_back(
        fmt::format("programs save other registers (XCR0 {:#x}, {} bytes; not {:#x}, {} bytes)",
                    to.xcr0, to.xsaveBytes, from.xcr0, from.xsaveBytes));
  return lacks;
}

Cpu baselineOf(std::span<const Cpu> cpus) {
  Cpu baseline = cpus.front();
  for (const Cpu& cpu : cpus.subspan(1)) {
    std::erase_if(baseline.features,
                  [&](const std::string& feature) { return !cpu.features.contains(feature); });
    if (cpu.vendor != baseline.vendor) baseline.vendor.clear();
    if (cpu.model != baseline.model) baseline.model = "several";
    if (cpu.xcr0 != baseline.xcr0 || cpu.xsaveBytes != baseline.xsaveBytes)
      baseline.xcr0 = baseline.xsaveBytes = 0;
  }
  return baseline;
}

}  // namespace vs::checkpoint
