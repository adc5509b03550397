#include "vsd/kernel/packet_hold.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

// On the packets that criu makes to bring a socket into its state (SOCCR_MARK, soccr/soccr.h).
constexpr int kCriuMark = 0xC114;

int bpf(bpf_cmd command, bpf_attr& attributes) {
  const long result = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
  if (result >= 0) return static_cast<int>(result);
  const int error = errno;
  throw Error(
      error == EINVAL || error == ENOSYS || error == EPERM ? Kind::Unsupported : Kind::Failed,
      systemError(error, "hold the packets of a context").text(), error);
}

constexpr bpf_insn kLoadMark{.code = BPF_LDX | BPF_W | BPF_MEM,
                             .dst_reg = BPF_REG_2,
                             .src_reg = BPF_REG_1,
                             .off = offsetof(__sk_buff, mark),
                             .imm = 0};
constexpr bpf_insn kSkipOneIfMarked{.code = BPF_JMP | BPF_JEQ | BPF_K,
                                    .dst_reg = BPF_REG_2,
                                    .src_reg = 0,
                                    .off = 1,
                                    .imm = kCriuMark};
constexpr bpf_insn kExit{
    .code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

constexpr bpf_insn result(int value) {
  return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = value};
}

// What a program says of a packet (include/linux/bpf-cgroup.h): to send 0 would be an error that
// the sender hears of, 2 is one of the network's losses.
constexpr int kPass = 1;
constexpr int kLost = 2;
constexpr int kDropped = 0;

// Only what criu sends itself passes.
Fd loadProgram(bpf_attach_type type) {
  const bpf_insn program[] = {result(kPass), kLoadMark, kSkipOneIfMarked,
                              result(type == BPF_CGROUP_INET_EGRESS ? kLost : kDropped), kExit};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
  attributes.expected_attach_type = type;
  attributes.insns = reinterpret_cast<std::uintptr_t>(program);
  attributes.insn_cnt = sizeof program / sizeof *program;
  attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
  return Fd(bpf(BPF_PROG_LOAD, attributes));
}

Fd attach(int cgroup, bpf_attach_type type) {
  const Fd program = loadProgram(type);
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
  attributes.link_create.target_fd = static_cast<std::uint32_t>(cgroup);
  attributes.link_create.attach_type = type;
  return Fd(bpf(BPF_LINK_CREATE, attributes));
}

}  // namespace

PacketHold::PacketHold(int cgroup)
    : links_{attach(cgroup, BPF_CGROUP_INET_EGRESS), attach(cgroup, BPF_CGROUP_INET_INGRESS)} {}

void PacketHold::letGo() {
  for (Fd& link : links_) link.reset();
}

}  // namespace vs
