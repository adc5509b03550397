#include "vsd/kernel/seccomp.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cstring>
#include <optional>

namespace vs {
namespace {

struct Call {
  long number;
  std::array<std::uint64_t, 6> arguments{};
  std::uint32_t abi = AUDIT_ARCH_X86_64;
};

// What the kernel does with a filter: classic BPF over a seccomp_data (the instructions we use).
class Machine {
 public:
  explicit Machine(const std::string& bytes) : program_(bytes.size() / sizeof(sock_filter)) {
    std::memcpy(program_.data(), bytes.data(), bytes.size());
  }

  std::uint32_t run(const Call& call) const {
    seccomp_data data{};
    data.nr = static_cast<int>(call.number);
    data.arch = call.abi;
    std::copy(call.arguments.begin(), call.arguments.end(), data.args);
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const sock_filter& step = program_[at];
      switch (step.code) {
        case BPF_LD | BPF_W | BPF_ABS:
          std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, 4);
          break;
        case BPF_ALU | BPF_AND | BPF_K:
          accumulator &= step.k;
          break;
        case BPF_JMP | BPF_JA:
          at += step.k;
          break;
        case BPF_JMP | BPF_JEQ | BPF_K:
          at += accumulator == step.k ? step.jt : step.jf;
          break;
        case BPF_JMP | BPF_JGE | BPF_K:
          at += accumulator >= step.k ? step.jt : step.jf;
          break;
        case BPF_RET | BPF_K:
          return step.k;
        default:
          ADD_FAILURE() << "instruction " << step.code;
          return 0;
      }
    }
    ADD_FAILURE() << "the program runs off its end";
    return 0;
  }

  // The errno a call answers, 0 when it is allowed.
  int errnoOf(const Call& call) const {
    const std::uint32_t action = run(call);
    if (action == SECCOMP_RET_ALLOW) return 0;
    EXPECT_EQ(action & SECCOMP_RET_ACTION_FULL, static_cast<std::uint32_t>(SECCOMP_RET_ERRNO));
    return static_cast<int>(action & SECCOMP_RET_DATA);
  }

  std::size_t size() const { return program_.size(); }

  // Instructions run for a call: what it costs.
  std::size_t stepsOf(const Call& call) const {
    seccomp_data data{};
    data.nr = static_cast<int>(call.number);
    data.arch = call.abi;
    std::uint32_t accumulator = 0;
    std::size_t steps = 0;
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const sock_filter& step = program_[at];
      ++steps;
      if (step.code == (BPF_RET | BPF_K)) break;
      if (step.code == (BPF_LD | BPF_W | BPF_ABS))
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, 4);
      if (step.code == (BPF_ALU | BPF_AND | BPF_K)) accumulator &= step.k;
      if (step.code == (BPF_JMP | BPF_JA)) at += step.k;
      if (step.code == (BPF_JMP | BPF_JEQ | BPF_K)) at += accumulator == step.k ? step.jt : step.jf;
      if (step.code == (BPF_JMP | BPF_JGE | BPF_K)) at += accumulator >= step.k ? step.jt : step.jf;
    }
    return steps;
  }

 private:
  std::vector<sock_filter> program_;
};

const Machine& systemFilter() {
  static const Machine kMachine(compileSeccomp(Isolation::System));
  return kMachine;
}

TEST(SystemFilter, AllowsWhatPlainProgramsDo) {
  for (const long number : {SYS_read, SYS_openat, SYS_execve, SYS_mmap, SYS_futex, SYS_mount,
                            SYS_pivot_root, SYS_reboot, SYS_ptrace, SYS_prctl, SYS_io_submit,
                            SYS_rseq, SYS_openat2, SYS_move_mount, SYS_close_range})
    EXPECT_EQ(systemFilter().errnoOf({number}), 0) << number;
}

TEST(SystemFilter, AnswersEpermToWhatIsKnownToBeDangerous) {
  for (const long number :
       {SYS_bpf, SYS_open_by_handle_at, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module,
        SYS_finit_module, SYS_delete_module, SYS_perf_event_open, SYS_swapon, SYS_swapoff, SYS_acct,
        SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_iopl, SYS_ioperm, SYS_syslog,
        SYS_setns, SYS_pidfd_getfd})
    EXPECT_EQ(systemFilter().errnoOf({number}), EPERM) << number;
}

TEST(SystemFilter, AnswersEnosysToWhatProgramsCanDoWithout) {
  for (const long number :
       {long{SYS_clone3}, long{SYS_io_uring_setup}, long{SYS_io_uring_enter},
        long{SYS_io_uring_register}, long{SYS_fanotify_init}, long{SYS_userfaultfd},
        long{SYS_keyctl}, long{SYS_add_key}, long{SYS_request_key}, long{SYS_memfd_secret},
        long{SYS_landlock_create_ruleset}, long{SYS_modify_ldt}, 500L, 100'000L})
    EXPECT_EQ(systemFilter().errnoOf({number}), ENOSYS) << number;
}

TEST(SystemFilter, DeniesEveryNewNamespaceToCloneAndUnshare) {
  for (const std::uint64_t flag : {CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
                                   CLONE_NEWNET, CLONE_NEWCGROUP, CLONE_NEWNS}) {
    EXPECT_EQ(systemFilter().errnoOf({SYS_unshare, {flag}}), EPERM) << flag;
    EXPECT_EQ(systemFilter().errnoOf({SYS_unshare, {flag | CLONE_FS}}), EPERM) << flag;
    EXPECT_EQ(systemFilter().errnoOf({SYS_clone, {flag | SIGCHLD}}), EPERM) << flag;
  }
  EXPECT_EQ(systemFilter().errnoOf({SYS_unshare, {0x80}}), EPERM) << "CLONE_NEWTIME";
}

TEST(SystemFilter, AllowsThreadsForksAndUnshareOfTheRest) {
  EXPECT_EQ(systemFilter().errnoOf({SYS_clone, {SIGCHLD}}), 0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_clone,
                                    {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                     CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS}}),
            0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_unshare, {CLONE_FS | CLONE_FILES}}), 0);
}

TEST(SystemFilter, KnowsFewSocketFamilies) {
  for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6, AF_PACKET})
    EXPECT_EQ(systemFilter().errnoOf({SYS_socket, {family, SOCK_STREAM, 0}}), 0) << family;
  for (const std::uint64_t family : {38, 40, 33, 15, 21, 31, 44, 0, 29})
    EXPECT_EQ(systemFilter().errnoOf({SYS_socket, {family, SOCK_STREAM, 0}}), EAFNOSUPPORT)
        << family;
  EXPECT_EQ(systemFilter().errnoOf({SYS_socketpair, {AF_UNIX}}), 0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_socketpair, {30}}), EAFNOSUPPORT) << "AF_TIPC";
}

TEST(SystemFilter, KnowsFewNetlinkProtocols) {
  for (const std::uint64_t protocol : {NETLINK_ROUTE, NETLINK_NETFILTER, NETLINK_SOCK_DIAG,
                                       NETLINK_GENERIC, NETLINK_KOBJECT_UEVENT})
    EXPECT_EQ(systemFilter().errnoOf({SYS_socket, {AF_NETLINK, SOCK_RAW, protocol}}), 0)
        << protocol;
  for (const std::uint64_t protocol :
       {NETLINK_AUDIT, NETLINK_XFRM, NETLINK_CRYPTO, NETLINK_RDMA, NETLINK_ISCSI})
    EXPECT_EQ(systemFilter().errnoOf({SYS_socket, {AF_NETLINK, SOCK_RAW, protocol}}), EAFNOSUPPORT)
        << protocol;
}

TEST(SystemFilter, IsNotSlippedByHighBitsTheKernelIgnores) {
  constexpr std::uint64_t kHigh = 1ULL << 32;
  EXPECT_EQ(systemFilter().errnoOf({SYS_ioctl, {0, TIOCSTI}}), EPERM);
  EXPECT_EQ(systemFilter().errnoOf({SYS_ioctl, {0, kHigh | TIOCSTI}}), EPERM);
  EXPECT_EQ(systemFilter().errnoOf({SYS_ioctl, {0, TIOCLINUX}}), EPERM);
  EXPECT_EQ(systemFilter().errnoOf({SYS_ioctl, {0, TIOCGWINSZ}}), 0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_socket, {kHigh | 38, SOCK_STREAM, 0}}), EAFNOSUPPORT);
  EXPECT_EQ(systemFilter().errnoOf({SYS_clone, {kHigh | CLONE_NEWUSER}}), EPERM);
}

TEST(SystemFilter, RestrictsPersonality) {
  EXPECT_EQ(systemFilter().errnoOf({SYS_personality, {0}}), 0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_personality, {0xffffffff}}), 0);
  EXPECT_EQ(systemFilter().errnoOf({SYS_personality, {0x0400000}}), EPERM) << "READ_IMPLIES_EXEC";
}

TEST(SystemFilter, ServesTheNativeAbiOnly) {
  EXPECT_EQ(systemFilter().errnoOf({.number = 3, .abi = AUDIT_ARCH_I386}), ENOSYS);
  EXPECT_EQ(systemFilter().errnoOf({.number = 0x40000000L | SYS_read}), ENOSYS) << "x32";
}

TEST(SystemFilter, AllowsExactlyTheCallsItNames) {
  std::vector<std::string> reachable;
  for (int number = 0; number < 600; ++number) {
    if (systemFilter().errnoOf({.number = number}) != 0) continue;
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    reachable.emplace_back(name != nullptr ? name : std::to_string(number));
    free(name);
  }
  std::sort(reachable.begin(), reachable.end());
  std::vector<std::string> named = allowedCalls(Isolation::System);
  // With all arguments zero, AF_UNSPEC is no family.
  std::erase_if(named, [](const auto& name) { return name == "socket" || name == "socketpair"; });
  EXPECT_EQ(reachable, named);
  EXPECT_LE(named.size() + 2, 320U);
}

TEST(SystemFilter, CostsFewInstructions) {
  for (int number = 0; number < 470; ++number)
    EXPECT_LE(systemFilter().stepsOf({.number = number}), 24U) << number;
  EXPECT_LE(systemFilter().stepsOf({SYS_read}), 12U);
}

TEST(NestingFilter, AllowsNamespacesAndStillNoBpf) {
  const Machine filter(compileSeccomp(Isolation::Nesting));
  EXPECT_EQ(filter.errnoOf({SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNS}}), 0);
  EXPECT_EQ(filter.errnoOf({SYS_clone3}), 0);
  EXPECT_EQ(filter.errnoOf({SYS_setns}), 0);
  EXPECT_EQ(filter.errnoOf({SYS_bpf}), EPERM);
  EXPECT_EQ(filter.errnoOf({SYS_open_by_handle_at}), EPERM);
}

}  // namespace
}  // namespace vs
