#include "vsd/unpack/filter.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <memory>

#include "vsd/base/error.hpp"

namespace vs::unpack {
namespace {

constexpr const char* kAllowed[] = {
    // bytes of open files
    "read", "pread64", "readv", "write", "pwrite64", "writev", "lseek", "ftruncate", "fallocate",
    "fsync", "fdatasync", "close", "fcntl", "copy_file_range",
    // names
    "openat", "openat2", "mkdirat", "linkat", "symlinkat", "unlinkat", "readlinkat", "getdents64",
    // attributes
    "fstat", "newfstatat", "statx", "fchown", "fchownat", "fchmod", "fchmodat", "utimensat",
    "fsetxattr", "fgetxattr", "flistxattr",
    // memory and what the C library does on the side
    "brk", "munmap", "mremap", "madvise", "futex", "rseq", "getrandom", "clock_gettime",
    "gettimeofday", "time", "getpid", "gettid", "sched_yield", "sched_getaffinity", "sysinfo",
    "rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "restart_syscall", "exit", "exit_group"};

using Filter = std::unique_ptr<void, decltype(&::seccomp_release)>;

template <typename... Comparisons>
void allow(const Filter& filter, const char* name, Comparisons... comparisons) {
  const int number = ::seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return;  // not known on this machine, so forbidden
  const int result = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number,
                                        sizeof...(Comparisons), comparisons...);
  if (result < 0) throw systemError(-result, fmt::format("allow '{}' in the cage", name));
}

}  // namespace

void loadFilter() {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS), &::seccomp_release);
  if (!filter) throw failed("cannot make the cage's system call filter");
  for (const char* name : kAllowed) allow(filter, name);
  allow(filter, "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow(filter, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow(filter, "mknodat", SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO));
  const int result = ::seccomp_load(filter.get());
  if (result < 0) throw systemError(-result, "load the cage's system call filter");
}

}  // namespace vs::unpack
