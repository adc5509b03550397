#include "vsd/kernel/seccomp.hpp"

#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "vsd/kernel/filter_program.hpp"

namespace vs {
namespace {

// clang-format off
constexpr const char* kAllowed[] = {
    // files
    "access", "cachestat", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range",
    "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
    "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
    "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate",
    "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr", "link",
    "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir",
    "mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open", "openat", "openat2",
    "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
    "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir",
    "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync",
    "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime",
    "utimensat", "utimes", "vmsplice", "write", "writev",
    // waiting and events
    "alarm", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd", "eventfd2", "getitimer", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents",
    "io_pgetevents", "io_setup", "io_submit", "nanosleep", "pause", "pipe", "pipe2", "poll",
    "ppoll", "pselect6", "select", "setitimer", "signalfd", "signalfd4", "timer_create",
    "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
    "timerfd_gettime", "timerfd_settime",
    // memory
    "brk", "get_mempolicy", "madvise", "mbind", "memfd_create", "mincore", "mlock", "mlock2",
    "mlockall", "mmap", "move_pages", "mprotect", "mremap", "mseal", "msync", "munlock",
    "munlockall", "munmap", "process_madvise", "process_mrelease", "process_vm_readv",
    "process_vm_writev", "set_mempolicy", "set_mempolicy_home_node",
    // processes
    "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex",
    "futex_requeue", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list", "getcpu",
    "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
    "gettid", "getuid", "ioprio_get", "ioprio_set", "kcmp", "kill", "membarrier", "pidfd_open",
    "pidfd_send_signal", "prctl", "prlimit64", "ptrace", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
    "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "seccomp", "set_robust_list", "set_tid_address",
    "setfsgid", "setfsuid", "setgid", "setgroups", "setpgid", "setpriority", "setregid",
    "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "sigaltstack", "tgkill",
    "tkill", "vfork", "wait4", "waitid",
    // between processes
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
    "msgctl", "msgget", "msgrcv", "msgsnd", "recvfrom", "recvmmsg", "recvmsg", "semctl", "semget",
    "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shmat", "shmctl",
    "shmdt", "shmget", "shutdown",
    // time; setting it is refused by the kernel itself
    "adjtimex", "clock_adjtime", "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday",
    "time", "times",
    // the system, as far as the context's namespaces go
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_tree", "pivot_root", "reboot", "setdomainname", "sethostname", "sysinfo", "umount2",
    "uname", "vhangup"};

// Beside the above: what a container manager inside needs, and what a checkpoint cannot describe.
constexpr const char* kAllowedNesting[] = {
    "clone", "clone3", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    "pidfd_getfd", "setns", "unshare"};

// EPERM, where ENOSYS would lead a program to believe that the kernel is too old. systemd takes EPERM
// for "the container manager does not want it" and goes on.
constexpr const char* kForbidden[] = {
    "acct", "bpf", "clock_settime", "delete_module", "finit_module", "init_module", "ioperm", "iopl",
    "kexec_file_load", "kexec_load", "open_by_handle_at", "perf_event_open", "pidfd_getfd",
    "quotactl", "setns", "settimeofday", "swapoff", "swapon", "syslog"};
// clang-format on

constexpr std::uint32_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                         CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t kNewTime = 0x80;  // CLONE_NEWTIME; in clone(2) these bits are a signal

constexpr std::uint32_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};
constexpr std::uint32_t kTerminalInjections[] = {TIOCSTI, TIOCLINUX};
constexpr std::uint32_t kFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_PACKET};
// Of netlink: not audit (not namespaced), xfrm, crypto, connector, iscsi, rdma, scsitransport.
constexpr std::uint32_t kNetlinkProtocols[] = {
    NETLINK_ROUTE,     NETLINK_USERSOCK,       NETLINK_SOCK_DIAG, NETLINK_FIB_LOOKUP,
    NETLINK_NETFILTER, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC};

using Calls = std::map<std::uint32_t, FilterProgram>;

// A name that this architecture or this libseccomp does not know is left out: it answers ENOSYS.
void set(Calls& calls, const char* name, const FilterProgram& program) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number >= 0) calls[static_cast<std::uint32_t>(number)] = program;
}

void setAll(Calls& calls, std::span<const char* const> names, std::uint32_t action) {
  for (const char* name : names) set(calls, name, always(action));
}

Calls callsOf(Isolation isolation) {
  constexpr std::uint32_t kUnix[] = {AF_UNIX};
  constexpr std::uint32_t kNoFamily = refuseWith(EAFNOSUPPORT);
  Calls calls;
  setAll(calls, kAllowed, kAllow);
  setAll(calls, kForbidden, refuseWith(EPERM));
  set(calls, "socket",
      whenEqual(0, AF_NETLINK, whenOneOf(2, kNetlinkProtocols, kAllow, kNoFamily),
                whenOneOf(0, kFamilies, kAllow, kNoFamily)));
  set(calls, "socketpair", whenOneOf(0, kUnix, kAllow, kNoFamily));
  set(calls, "personality", whenOneOf(0, kPersonalities, kAllow, refuseWith(EPERM)));
  set(calls, "ioctl", whenOneOf(1, kTerminalInjections, refuseWith(EPERM), kAllow));
  set(calls, "clone", whenWithout(0, kNewNamespaces, refuseWith(EPERM)));
  set(calls, "unshare", whenWithout(0, kNewNamespaces | kNewTime, refuseWith(EPERM)));
  if (isolation == Isolation::Nesting) setAll(calls, kAllowedNesting, kAllow);
  return calls;
}

}  // namespace

std::string compileSeccomp(Isolation isolation) {
  const FilterProgram program = compileFilter(callsOf(isolation));
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

std::vector<std::string> allowedCalls(Isolation isolation) {
  std::vector<std::string> names;
  const Calls calls = callsOf(isolation);
  for (const auto& [number, program] : calls) {
    if (!canAllow(program)) continue;
    char* const name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number));
    names.emplace_back(name);
    std::free(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vs
