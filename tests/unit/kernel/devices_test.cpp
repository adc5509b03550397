#include "vsd/kernel/devices.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstddef>
#include <cstring>

namespace vs {
namespace {

struct Request {
  std::uint32_t kind;
  std::uint32_t access;
  std::uint32_t major;
  std::uint32_t minor;
};
constexpr std::uint32_t kChar = BPF_DEVCG_DEV_CHAR;
constexpr std::uint32_t kBlock = BPF_DEVCG_DEV_BLOCK;
constexpr std::uint32_t kReadWrite = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

// What the kernel does with the program: the few eBPF instructions it is made of.
bool allows(const std::string& bytes, const Request& request) {
  std::vector<bpf_insn> program(bytes.size() / sizeof(bpf_insn));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  const bpf_cgroup_dev_ctx context{request.access << 16 | request.kind, request.major,
                                   request.minor};
  std::uint64_t registers[11] = {};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& step = program[at];
    std::uint64_t& to = registers[step.dst_reg];
    switch (step.code) {
      case BPF_LDX | BPF_MEM | BPF_W: {
        EXPECT_EQ(step.src_reg, BPF_REG_1);
        std::uint32_t value;
        std::memcpy(&value, reinterpret_cast<const char*>(&context) + step.off, sizeof value);
        to = value;
        break;
      }
      case BPF_ALU64 | BPF_MOV | BPF_X:
        to = registers[step.src_reg];
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        to = static_cast<std::uint64_t>(step.imm);
        break;
      case BPF_ALU64 | BPF_AND | BPF_K:
        to &= static_cast<std::uint64_t>(step.imm);
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        if (to != static_cast<std::uint64_t>(step.imm)) at += static_cast<std::size_t>(step.off);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        if (to == static_cast<std::uint64_t>(step.imm)) at += static_cast<std::size_t>(step.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return registers[0] != 0;
      default:
        ADD_FAILURE() << "instruction " << int{step.code};
        return false;
    }
  }
  ADD_FAILURE() << "the program runs off its end";
  return false;
}

TEST(DeviceProgram, AllowsTheDefaultTableAndTerminals) {
  const std::string program = deviceProgram(defaultDeviceRules());
  for (const Request& request :
       {Request{kChar, kReadWrite, 1, 3}, Request{kChar, kReadWrite, 1, 5},
        Request{kChar, kReadWrite, 1, 7}, Request{kChar, kReadWrite, 1, 8},
        Request{kChar, kReadWrite, 1, 9}, Request{kChar, kReadWrite, 5, 0},
        Request{kChar, kReadWrite, 5, 2}, Request{kChar, kReadWrite, 136, 0},
        Request{kChar, kReadWrite, 136, 1023}, Request{kChar, BPF_DEVCG_ACC_READ, 143, 9}})
    EXPECT_TRUE(allows(program, request)) << request.major << ":" << request.minor;
}

TEST(DeviceProgram, RefusesEveryOtherDevice) {
  const std::string program = deviceProgram(defaultDeviceRules());
  for (const Request& request :
       {Request{kChar, BPF_DEVCG_ACC_READ, 1, 1}, Request{kChar, BPF_DEVCG_ACC_READ, 1, 11},
        Request{kChar, kReadWrite, 5, 1}, Request{kChar, kReadWrite, 10, 229},
        Request{kChar, kReadWrite, 135, 0}, Request{kChar, kReadWrite, 144, 0},
        Request{kBlock, BPF_DEVCG_ACC_READ, 8, 0}, Request{kBlock, kReadWrite, 1, 3}})
    EXPECT_FALSE(allows(program, request)) << request.major << ":" << request.minor;
}

TEST(DeviceProgram, LetsNobodyMakeNodes) {
  const std::string program = deviceProgram(defaultDeviceRules());
  EXPECT_FALSE(allows(program, {kChar, BPF_DEVCG_ACC_MKNOD, 1, 3}));
  EXPECT_FALSE(allows(program, {kChar, BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ, 1, 3}));
}

}  // namespace
}  // namespace vs
