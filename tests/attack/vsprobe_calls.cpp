#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "tests/attack/vsprobe.hpp"

namespace vs::probe {
namespace {

constexpr long kNowhere = -1;  // as a pointer EFAULT, as a descriptor EBADF, as a command EINVAL

// Runs `attempt` in a child, which may die of it; what it returns is 0 or an errno.
template <typename Attempt>
std::string answerOfChild(Attempt attempt) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(attempt());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0) return answerTo(-1);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "ok" : nameOf(WEXITSTATUS(status));
}

int errnoOf(long result) { return result < 0 ? errno : 0; }

}  // namespace

void calls() {
#define CALL(name) \
  { #name, SYS_##name }
  static constexpr std::pair<const char*, long> kCalls[] = {CALL(acct),
                                                            CALL(add_key),
                                                            CALL(bpf),
                                                            CALL(clock_settime),
                                                            CALL(delete_module),
                                                            CALL(fanotify_init),
                                                            CALL(finit_module),
                                                            CALL(init_module),
                                                            CALL(io_uring_setup),
                                                            CALL(ioperm),
                                                            CALL(iopl),
                                                            CALL(kexec_file_load),
                                                            CALL(kexec_load),
                                                            CALL(keyctl),
                                                            CALL(lookup_dcookie),
                                                            CALL(memfd_secret),
                                                            CALL(open_by_handle_at),
                                                            CALL(perf_event_open),
                                                            CALL(pidfd_getfd),
                                                            CALL(quotactl),
                                                            CALL(quotactl_fd),
                                                            CALL(request_key),
                                                            CALL(setns),
                                                            CALL(settimeofday),
                                                            CALL(swapoff),
                                                            CALL(swapon),
                                                            CALL(syslog),
                                                            CALL(userfaultfd)};
#undef CALL
  for (const auto& [name, number] : kCalls)
    say(name,
        answerTo(::syscall(number, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere)));
}

void abis() {
#ifdef __x86_64__
  say("x86-64", answerOfChild([] { return errnoOf(::syscall(SYS_getpid)); }));
  say("x32", answerOfChild([] { return errnoOf(::syscall(SYS_getpid | 0x40000000)); }));
  say("i386", answerOfChild([] {
        long result = 20;  // getpid
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
        return result < 0 ? static_cast<int>(-result) : 0;
      }));
#endif
}

void families() {
  static constexpr struct {
    const char* name;
    int family, type, protocol;
  } kSockets[] = {{"alg", 38, SOCK_SEQPACKET, 0},
                  {"can", AF_CAN, SOCK_RAW, 1},
                  {"key", AF_KEY, SOCK_RAW, 2},
                  {"rds", AF_RDS, SOCK_SEQPACKET, 0},
                  {"rxrpc", AF_RXRPC, SOCK_DGRAM, AF_INET},
                  {"tipc", AF_TIPC, SOCK_RDM, 0},
                  {"vsock", AF_VSOCK, SOCK_STREAM, 0},
                  {"xdp", AF_XDP, SOCK_RAW, 0},
                  {"netlink-audit", AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
                  {"netlink-connector", AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR},
                  {"netlink-crypto", AF_NETLINK, SOCK_RAW, NETLINK_CRYPTO},
                  {"netlink-iscsi", AF_NETLINK, SOCK_RAW, NETLINK_ISCSI},
                  {"netlink-xfrm", AF_NETLINK, SOCK_RAW, NETLINK_XFRM},
                  {"unix", AF_UNIX, SOCK_STREAM, 0},
                  {"inet", AF_INET, SOCK_STREAM, 0},
                  {"netlink-route", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}};
  for (const auto& socket : kSockets)
    say(socket.name, answerTo(::socket(socket.family, socket.type, socket.protocol)));
}

// A filter that compares all 64 bits lets these through (CVE-2019-10063): the kernel drops the
// rest.
void highBits() {
  constexpr long kHigh = 1L << 32;
  const char typed = '\n';
  const int terminal = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  say("ioctl-tiocsti", answerTo(::syscall(SYS_ioctl, terminal, kHigh | TIOCSTI, &typed)));
  say("unshare-newuser",
      answerOfChild([] { return errnoOf(::syscall(SYS_unshare, kHigh | CLONE_NEWUSER)); }));
  say("socket-alg", answerTo(::syscall(SYS_socket, kHigh | 38, SOCK_SEQPACKET, 0)));
  say("personality", answerOfChild([] {
        return errnoOf(::syscall(SYS_personality, kHigh | ADDR_COMPAT_LAYOUT));
      }));
}

void spaces() {
  static constexpr std::pair<const char*, unsigned long> kSpaces[] = {
      {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},        {"pid", CLONE_NEWPID},
      {"net", CLONE_NEWNET},   {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},
      {"uts", CLONE_NEWUTS},   {"time", 0x80 /* NEWTIME */}};
  for (const auto& [name, flag] : kSpaces) {
    say(std::string("unshare-") + name,
        answerOfChild([flag] { return errnoOf(::syscall(SYS_unshare, flag)); }));
    if (flag == 0x80) continue;  // in clone(2) these bits are the exit signal
    say(std::string("clone-") + name, answerOfChild([flag] {
          const long pid = ::syscall(SYS_clone, flag | SIGCHLD, nullptr, nullptr, nullptr, 0);
          if (pid == 0) ::_exit(0);
          return errnoOf(pid);
        }));
  }
  say("clone3-user", answerOfChild([] {
        clone_args args{};
        args.flags = CLONE_NEWUSER;
        args.exit_signal = SIGCHLD;
        const long pid = ::syscall(SYS_clone3, &args, sizeof args);
        if (pid == 0) ::_exit(0);
        return errnoOf(pid);
      }));
}

void enter(int pid) {
  for (const char* kind : {"user", "mnt", "pid", "net", "cgroup", "ipc", "uts", "time"}) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
    const int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (space < 0)
      say(kind, "open-" + answerTo(space));
    else
      say(kind, answerOfChild([space] { return errnoOf(::syscall(SYS_setns, space, 0)); }));
  }
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  say("pidfd",
      answerOfChild([process] { return errnoOf(::syscall(SYS_setns, process, CLONE_NEWNS)); }));
}

void processes(int low, int high) {
  for (int pid = low; pid <= high; ++pid) {
    const std::string number = std::to_string(pid);
    char byte = 0;
    const iovec own{&byte, 1};
    const iovec theirs{const_cast<char*>("") /* any address */, 1};
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (process >= 0) say("pidfd_open", number);
    if (process >= 0 && ::syscall(SYS_pidfd_getfd, process, 0, 0) >= 0) say("pidfd_getfd", number);
    if (process >= 0) ::close(process);
    if (::kill(pid, 0) == 0 || errno != ESRCH) say("kill", number);
    if (::process_vm_readv(pid, &own, 1, &theirs, 1, 0) >= 0 || errno != ESRCH) say("read", number);
    if (::access(("/proc/" + number + "/status").c_str(), F_OK) == 0) say("proc", number);
  }
}

// All of them live until the last was tried, and none outlives us.
void forks(int wanted) {
  std::vector<pid_t> children;
  int problem = 0;
  while (static_cast<int>(children.size()) < wanted && problem == 0) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    if (child > 0)
      children.push_back(child);
    else
      problem = errno;
  }
  say("forks", std::to_string(children.size()));
  if (problem != 0) say("then", nameOf(problem));
  for (const pid_t child : children) ::kill(child, SIGKILL);
  while (::wait(nullptr) > 0) {
  }
}

}  // namespace vs::probe
