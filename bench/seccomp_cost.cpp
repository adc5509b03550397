// What a filter adds to a system call: nothing, ours, and a list of allowed calls compiled by
// libseccomp as a binary tree, in turn. Prints nanoseconds for each call and the ratio of what the
// filters add.
//
//   seccomp-cost ALLOWED-CALLS-FILE RUNS
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/file.hpp"
#include "vsd/kernel/seccomp.hpp"

namespace {

using vs::check;

constexpr int kCalls = 200'000;

struct Sample {
  const char* name;
  long number;
  long first;
};

// Spread over the table of numbers; each fails or answers at once.
const std::vector<Sample> kSamples{
    {"read", SYS_read, -1},
    {"close", SYS_close, -1},
    {"getpid", SYS_getpid, 0},
    {"getppid", SYS_getppid, 0},
    {"epoll_wait", SYS_epoll_wait, -1},
    {"futex", SYS_futex, 0},
    {"openat", SYS_openat, -1},
    {"getrandom", SYS_getrandom, 0},
    {"recvmsg", SYS_recvmsg, -1},
    {"timerfd_settime", SYS_timerfd_settime, -1},
    {"ioctl", SYS_ioctl, -1},
    {"socket", SYS_socket, 1},
};

std::string compileTree(const std::string& file) {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
  ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  std::string text = vs::readFile(file);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const int number = ::seccomp_syscall_resolve_name(text.substr(at, end - at).c_str());
    if (number >= 0) ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    at = end + 1;
  }
  vs::Fd place(check(::memfd_create("filter", MFD_CLOEXEC), "make a memfd"));
  check(-::seccomp_export_bpf(filter, place.get()), "export the filter");
  ::seccomp_release(filter);
  ::lseek(place.get(), 0, SEEK_SET);
  return vs::readAll(place.get(), 1U << 20, "the filter");
}

double nanosecondsOf(const Sample& sample) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) ::syscall(sample.number, sample.first, 0, 0, 0, 0, 0);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
  return took.count() / kCalls;
}

// In a process of its own, which keeps its filter until it ends.
std::vector<double> measure(const std::string& program) {
  vs::FdPair pipe = vs::makePipe();
  const pid_t pid = check(::fork(), "fork");
  if (pid == 0) {
    if (!program.empty()) {
      sock_fprog given{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                       reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &given) != 0) ::_exit(1);
    }
    std::vector<double> found;
    for (const Sample& sample : kSamples) found.push_back(nanosecondsOf(sample));
    const ssize_t size = static_cast<ssize_t>(found.size() * sizeof(double));
    ::_exit(::write(pipe.second.get(), found.data(), static_cast<std::size_t>(size)) == size ? 0
                                                                                             : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw vs::failed("a measuring process failed");
  std::vector<double> found(kSamples.size());
  check(::read(pipe.first.get(), found.data(), found.size() * sizeof(double)), "read the figures");
  return found;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: seccomp-cost ALLOWED-CALLS-FILE RUNS\n", stderr), 2;
  const std::string ours = vs::compileSeccomp(vs::Isolation::System);
  const std::string tree = compileTree(argv[1]);
  const int runs = std::atoi(argv[2]);
  std::printf("programs: vsd %zu instructions, libseccomp %zu; %d runs of %d calls\n",
              ours.size() / sizeof(sock_filter), tree.size() / sizeof(sock_filter), runs, kCalls);
  std::vector<std::vector<std::vector<double>>> found(3);
  for (int run = 0; run < runs; ++run) {
    found[0].push_back(measure(""));
    found[1].push_back(measure(ours));
    found[2].push_back(measure(tree));
  }
  double added = 0;
  double theirs = 0;
  for (std::size_t i = 0; i < kSamples.size(); ++i) {
    std::vector<double> columns[3];
    for (std::size_t kind = 0; kind < 3; ++kind)
      for (const auto& run : found[kind]) columns[kind].push_back(run[i]);
    const double none = median(columns[0]);
    const double us = median(columns[1]);
    const double them = median(columns[2]);
    std::printf("%-16s none %6.0f ns   vsd %6.0f ns   libseccomp tree %6.0f ns\n", kSamples[i].name,
                none, us, them);
    added += us - none;
    theirs += them - none;
  }
  const double count = static_cast<double>(kSamples.size());
  std::printf(
      "a filter adds: vsd %.0f ns, libseccomp tree %.0f ns a call; ratio %.2f %s (goal 1.0)\n",
      added / count, theirs / count, added / theirs, added <= theirs ? "met" : "NOT MET");
  return 0;
}
