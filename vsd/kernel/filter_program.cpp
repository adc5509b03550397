#include "vsd/kernel/filter_program.hpp"

#include <linux/audit.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kNativeAbi = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kNativeAbi = AUDIT_ARCH_AARCH64;
#else
#error "no system call filter for this architecture yet"
#endif

sock_filter statement(int code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}
sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter loadArgument(unsigned index) {
  return load(offsetof(seccomp_data, args) + 8 * std::size_t{index});  // low half: little endian
}
sock_filter answer(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }
// Goes on with the next instruction when the accumulator equals `value`, else skips one.
sock_filter nextIfEqual(std::uint32_t value) { return {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value}; }

bool isSame(const FilterProgram& a, const FilterProgram& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.code == y.code && x.jt == y.jt && x.jf == y.jf && x.k == y.k;
  });
}

// Call numbers from `first` up to the next range's, all with the same answer.
struct Range {
  std::uint32_t first;
  FilterProgram program;
};

std::vector<Range> rangesOf(const std::map<std::uint32_t, FilterProgram>& rules) {
  const FilterProgram unknown{answer(refuseWith(ENOSYS))};
  std::vector<Range> ranges{{0, unknown}};
  const auto add = [&](std::uint32_t first, const FilterProgram& program) {
    if (ranges.back().first == first)
      ranges.back().program = program;
    else if (!isSame(ranges.back().program, program))
      ranges.push_back({first, program});
  };
  std::uint32_t next = 0;
  for (const auto& [number, program] : rules) {
    if (number > next) add(next, unknown);
    add(number, program);
    next = number + 1;
  }
  add(next, unknown);
  return ranges;
}

// "number >= middle ? right : left", all the way down. A conditional jump reaches 255 instructions,
// an unconditional one any number.
FilterProgram searchIn(std::span<const Range> ranges) {
  if (ranges.size() == 1) return ranges.front().program;
  const std::size_t middle = ranges.size() / 2;
  const FilterProgram left = searchIn(ranges.first(middle));
  const FilterProgram right = searchIn(ranges.subspan(middle));
  FilterProgram program;
  const std::uint32_t pivot = ranges[middle].first;
  if (left.size() <= 255) {
    program.push_back(
        {BPF_JMP | BPF_JGE | BPF_K, static_cast<std::uint8_t>(left.size()), 0, pivot});
  } else {
    program.push_back({BPF_JMP | BPF_JGE | BPF_K, 0, 1, pivot});
    program.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(left.size())));
  }
  program.insert(program.end(), left.begin(), left.end());
  program.insert(program.end(), right.begin(), right.end());
  return program;
}

}  // namespace

FilterProgram always(std::uint32_t action) { return {answer(action)}; }

FilterProgram whenOneOf(unsigned argument, std::span<const std::uint32_t> values,
                        std::uint32_t then, std::uint32_t otherwise) {
  FilterProgram program{loadArgument(argument)};
  for (const std::uint32_t value : values) {
    program.push_back(nextIfEqual(value));
    program.push_back(answer(then));
  }
  program.push_back(answer(otherwise));
  return program;
}

FilterProgram whenWithout(unsigned argument, std::uint32_t bits, std::uint32_t otherwise) {
  return {loadArgument(argument), statement(BPF_ALU | BPF_AND | BPF_K, bits), nextIfEqual(0),
          answer(kAllow), answer(otherwise)};
}

FilterProgram whenEqual(unsigned argument, std::uint32_t value, const FilterProgram& first,
                        const FilterProgram& rest) {
  FilterProgram program{loadArgument(argument),
                        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value},
                        statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(rest.size()))};
  program.insert(program.end(), rest.begin(), rest.end());
  program.insert(program.end(), first.begin(), first.end());
  return program;
}

bool canAllow(const FilterProgram& program) {
  return std::any_of(program.begin(), program.end(), [](const sock_filter& step) {
    return step.code == (BPF_RET | BPF_K) && step.k == kAllow;
  });
}

FilterProgram compileFilter(const std::map<std::uint32_t, FilterProgram>& calls) {
  // The x32 ABI shares the native one's mark and sets bit 30 of the call: beyond the last range.
  FilterProgram program{load(offsetof(seccomp_data, arch)),
                        {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, kNativeAbi},
                        answer(refuseWith(ENOSYS)),
                        load(offsetof(seccomp_data, nr))};
  const FilterProgram search = searchIn(rangesOf(calls));
  program.insert(program.end(), search.begin(), search.end());
  if (program.size() > BPF_MAXINSNS)
    throw failed("the system call filter has {} instructions, the kernel takes {}", program.size(),
                 BPF_MAXINSNS);
  return program;
}

}  // namespace vs
