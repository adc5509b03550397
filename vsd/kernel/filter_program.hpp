// From a table of system calls to the program the kernel runs on each of them (seccomp(2), classic
// BPF): the values a filter is made of, and its compilation. Pure.
//
// A filter sees one call: its number, ABI and arguments. The program checks the ABI, then finds the
// range of call numbers with the same answer by halving (neighbours in the kernel's table mostly
// share it, so there are few ranges), then answers or looks at the low 32 bits of an argument. Of
// the arguments tested here the kernel looks at no more either; a test of all 64 bits could be
// slipped by setting a high one.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace vs {

using FilterProgram = std::vector<sock_filter>;

inline constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t refuseWith(int errnoValue) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(errnoValue);
}

// What is answered to a call, as the end of a program.
FilterProgram always(std::uint32_t action);
// `then` when the argument is one of `values`.
FilterProgram whenOneOf(unsigned argument, std::span<const std::uint32_t> values,
                        std::uint32_t then, std::uint32_t otherwise);
// kAllow when the argument has none of `bits`.
FilterProgram whenWithout(unsigned argument, std::uint32_t bits, std::uint32_t otherwise);
// `first` decides for one value of an argument, `rest` for all others.
FilterProgram whenEqual(unsigned argument, std::uint32_t value, const FilterProgram& first,
                        const FilterProgram& rest);

// True when some argument leads to kAllow.
bool canAllow(const FilterProgram& program);

// The whole filter: calls without a program, other ABIs and x32 answer ENOSYS. Throws Failed when
// it is larger than the kernel takes.
FilterProgram compileFilter(const std::map<std::uint32_t, FilterProgram>& calls);

}  // namespace vs
