#include "vsd/kernel/devices.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/log.hpp"

namespace vs {
namespace {

constexpr int kTypeAt = offsetof(bpf_cgroup_dev_ctx, access_type);
constexpr int kMajorAt = offsetof(bpf_cgroup_dev_ctx, major);
constexpr int kMinorAt = offsetof(bpf_cgroup_dev_ctx, minor);

struct Operands {
  unsigned to = 0;
  unsigned from = 0;
  int offset = 0;
  std::uint32_t value = 0;
};

bpf_insn instruction(int code, const Operands& operands) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = operands.to & 0xf;
  made.src_reg = operands.from & 0xf;
  made.off = static_cast<std::int16_t>(operands.offset);
  made.imm = static_cast<std::int32_t>(operands.value);
  return made;
}

bpf_insn loadField(unsigned to, int offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, {.to = to, .from = BPF_REG_1, .offset = offset});
}
bpf_insn moveRegister(unsigned to, unsigned from) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, {.to = to, .from = from});
}
bpf_insn moveValue(unsigned to, std::uint32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, {.to = to, .value = value});
}
bpf_insn andValue(unsigned on, std::uint32_t mask) {
  return instruction(BPF_ALU64 | BPF_AND | BPF_K, {.to = on, .value = mask});
}
bpf_insn skipUnless(unsigned field, std::uint32_t value, int instructions) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K,
                     {.to = field, .offset = instructions, .value = value});
}
bpf_insn skipIf(unsigned field, std::uint32_t value, int instructions) {
  return instruction(BPF_JMP | BPF_JEQ | BPF_K,
                     {.to = field, .offset = instructions, .value = value});
}
bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, {}); }

void refuse(std::vector<bpf_insn>& program) {
  program.push_back(moveValue(BPF_REG_0, 0));
  program.push_back(leave());
}

// Registers while it runs: 2 what is asked (low 16 bits: kind, high 16: access), 3 scratch,
// 4 major, 5 minor.
std::vector<bpf_insn> instructionsFor(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program{
      loadField(BPF_REG_2, kTypeAt),  loadField(BPF_REG_4, kMajorAt),
      loadField(BPF_REG_5, kMinorAt), moveRegister(BPF_REG_3, BPF_REG_2),
      andValue(BPF_REG_3, 0xffff),    skipIf(BPF_REG_3, BPF_DEVCG_DEV_CHAR, 2)};
  refuse(program);
  program.push_back(andValue(BPF_REG_2, std::uint32_t{BPF_DEVCG_ACC_MKNOD} << 16));
  program.push_back(skipIf(BPF_REG_2, 0, 2));
  refuse(program);
  for (const DeviceRule& rule : rules) {
    const bool anyMinor = rule.minor == DeviceRule::kAnyMinor;
    program.push_back(skipUnless(BPF_REG_4, rule.major, anyMinor ? 2 : 3));
    if (!anyMinor) program.push_back(skipUnless(BPF_REG_5, rule.minor, 2));
    program.push_back(moveValue(BPF_REG_0, 1));
    program.push_back(leave());
  }
  refuse(program);
  return program;
}

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Fd loadProgram(const std::string& bytes) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<std::uintptr_t>(bytes.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(bytes.size() / sizeof(bpf_insn));
  attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
  return Fd(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
}

DeviceFilter unavailable(int errnoValue) {
  static std::atomic<bool> said{false};
  if (!said.exchange(true))
    log::warning(
        "this kernel takes no device program on cgroups ({}), ignoring: devices are kept "
        "away by the user namespace alone",
        systemError(errnoValue, "bpf").text());
  return DeviceFilter::Unavailable;
}

}  // namespace

std::vector<DeviceNode> defaultDevices() {
  return {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
          {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
}

std::vector<DeviceRule> defaultDeviceRules() {
  std::vector<DeviceRule> rules;
  for (const DeviceNode& node : defaultDevices()) rules.push_back({node.major, node.minor});
  rules.push_back({5, 2});  // ptmx
  for (std::uint32_t major = 136; major <= 143; ++major)
    rules.push_back({major, DeviceRule::kAnyMinor});
  return rules;
}

std::string deviceProgram(const std::vector<DeviceRule>& rules) {
  const std::vector<bpf_insn> program = instructionsFor(rules);
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(bpf_insn)};
}

DeviceFilter attachDeviceFilter(int directory) {
  const Fd program = loadProgram(deviceProgram(defaultDeviceRules()));
  if (!program) {
    if (errno == EINVAL || errno == ENOSYS || errno == EPERM) return unavailable(errno);
    throw systemError(errno, "load the device program of a context");
  }
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(directory);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  // With systemd's or a container manager's own programs above it, all of them must agree.
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) == 0) return DeviceFilter::Attached;
  if (errno == EINVAL || errno == ENOSYS || errno == EPERM) return unavailable(errno);
  throw systemError(errno, "attach the device program of a context");
}

}  // namespace vs
