#include "vsd/kernel/filter_program.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <cerrno>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

// The program as text, one instruction a line: what it is, with jumps as "+true/+false".
std::string textOf(const FilterProgram& program) {
  std::string text;
  for (const sock_filter& step : program) {
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        text += fmt::format("load {}", step.k);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        text += fmt::format("and {:#x}", step.k);
        break;
      case BPF_JMP | BPF_JA:
        text += fmt::format("jump +{}", step.k);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        text += fmt::format("== {} +{}/+{}", step.k, step.jt, step.jf);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        text += fmt::format(">= {} +{}/+{}", step.k, step.jt, step.jf);
        break;
      case BPF_RET | BPF_K:
        text += step.k == kAllow ? "allow" : fmt::format("errno {}", step.k & 0xffff);
        break;
      default:
        text += "?";
    }
    text += "\n";
  }
  return text;
}

TEST(FilterProgram, JoinsNeighboursWithTheSameAnswerIntoOneRange) {
  const FilterProgram program = compileFilter(
      {{1, always(kAllow)}, {2, always(kAllow)}, {3, always(kAllow)}, {7, always(kAllow)}});
  EXPECT_EQ(textOf(program), fmt::format("load 4\n"
                                         "== {} +1/+0\n"
                                         "errno 38\n"
                                         "load 0\n"
                                         ">= 4 +3/+0\n"
                                         ">= 1 +1/+0\n"
                                         "errno 38\n"
                                         "allow\n"
                                         ">= 7 +1/+0\n"
                                         "errno 38\n"
                                         ">= 8 +1/+0\n"
                                         "allow\n"
                                         "errno 38\n",
                                         std::uint32_t{AUDIT_ARCH_X86_64}));
}

TEST(FilterProgram, TestsAnArgument) {
  constexpr std::uint32_t kValues[] = {5, 6};
  EXPECT_EQ(textOf(whenOneOf(1, kValues, refuseWith(EPERM), kAllow)),
            "load 24\n== 5 +0/+1\nerrno 1\n== 6 +0/+1\nerrno 1\nallow\n");
  EXPECT_EQ(textOf(whenWithout(0, 0xf0, refuseWith(EPERM))),
            "load 16\nand 0xf0\n== 0 +0/+1\nallow\nerrno 1\n");
  EXPECT_EQ(textOf(whenEqual(0, 16, always(kAllow), always(refuseWith(EPERM)))),
            "load 16\n== 16 +0/+1\njump +1\nerrno 1\nallow\n");
}

TEST(FilterProgram, ReachesOverMoreThanAConditionalJumpCan) {
  std::map<std::uint32_t, FilterProgram> calls;
  for (std::uint32_t number = 0; number < 400; ++number)
    calls[number] = always(refuseWith(static_cast<int>(1 + number % 100)));
  const FilterProgram program = compileFilter(calls);
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    const bool isJump = BPF_CLASS(step.code) == BPF_JMP;
    const std::size_t reach = step.code == (BPF_JMP | BPF_JA) ? step.k : std::max(step.jt, step.jf);
    EXPECT_TRUE(!isJump || at + 1 + reach < program.size()) << "instruction " << at;
  }
  EXPECT_NE(textOf(program).find("jump +"), std::string::npos);
}

TEST(FilterProgram, RefusesToBecomeLargerThanTheKernelTakes) {
  std::map<std::uint32_t, FilterProgram> calls;
  for (std::uint32_t number = 0; number < 3000; ++number)
    calls[number] = always(refuseWith(static_cast<int>(number % 2 + 1)));
  EXPECT_THROW(compileFilter(calls), Error);
}

}  // namespace
}  // namespace vs
