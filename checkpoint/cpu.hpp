// What a processor offers to programs, so that a checkpoint goes on only where all is there that
// its programs may have found when they began: a baseline, as VMware's EVC is one for virtual
// machines.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/json.hpp"

namespace vs::checkpoint {

struct Cpu {
  std::string vendor;              // "GenuineIntel", "AuthenticAMD"
  std::string model;               // in words, for people
  std::set<std::string> features;  // instructions, by their names in /proc/cpuinfo
  // The state components that programs can use (XCR0, XGETBV), and the bytes that saving them takes
  // (CPUID 0xD, EBX): glibc keeps room of that size, so it must be the same where a program goes
  // on.
  std::uint64_t xcr0 = 0;
  std::uint32_t xsaveBytes = 0;
  bool operator==(const Cpu&) const = default;
};

// Of the text of /proc/cpuinfo: the first processor in it. Instructions only; what is the kernel's
// own business (vmx, mitigations) is left out.
Cpu parseCpuInfo(std::string_view cpuinfo);
// Of this host, with what its processor itself says of XSAVE.
Cpu thisCpu();

Json toJson(const Cpu& cpu);
// Throws InvalidParameter.
Cpu cpuFrom(const Json& json);

// Why programs that began on `from` cannot go on on `to`, each in words; empty when they can.
std::vector<std::string> whatLacks(const Cpu& from, const Cpu& to);

// What all of `cpus` offer; programs that find no more than that can go on on any of them. Vendor
// and XSAVE are empty and 0 where they differ, which no program can do without. Not of none.
Cpu baselineOf(std::span<const Cpu> cpus);

}  // namespace vs::checkpoint
