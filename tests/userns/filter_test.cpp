// The filter as the kernel sees it: installed in a child without any privilege.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/userns/inside.hpp"
#include "vsd/kernel/seccomp.hpp"

namespace vs {
namespace {

bool install(const std::string& bytes) {
  const sock_fprog program{static_cast<unsigned short>(bytes.size() / sizeof(sock_filter)),
                           reinterpret_cast<sock_filter*>(const_cast<char*>(bytes.data()))};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// The errno of each call, made under the filter, separated by spaces; 0 for success.
template <typename... Calls>
std::string errnosUnder(Isolation isolation, Calls... calls) {
  const std::string bytes = compileSeccomp(isolation);
  return test::inChild([&]() -> std::string {
    if (!install(bytes)) return std::string("no filter: ") + std::strerror(errno);
    std::string text;
    const auto note = [&](auto call) {
      text += (text.empty() ? "" : " ") + std::to_string(call() < 0 ? errno : 0);
    };
    (note(calls), ...);
    return text;
  });
}

TEST(InstalledFilter, RefusesWhatItSays) {
  EXPECT_EQ(
      errnosUnder(
          Isolation::System, [] { return ::syscall(SYS_bpf, 0, nullptr, 0); },
          [] { return ::syscall(SYS_clone3, nullptr, 0); }, [] { return ::unshare(CLONE_NEWUSER); },
          [] { return ::unshare(CLONE_FS); }, [] { return ::socket(38, SOCK_SEQPACKET, 0); },
          [] { return ::socket(AF_NETLINK, SOCK_RAW, 9); },
          [] { return ::syscall(SYS_keyctl, 0, 0); },
          [] { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); },
          [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }, [] { return ::syscall(9999); }),
      "1 38 1 0 97 97 38 1 38 38");
}

TEST(InstalledFilter, LetsPlainProgramsRun) {
  EXPECT_EQ(errnosUnder(
                Isolation::System, [] { return ::socket(AF_INET, SOCK_STREAM, 0); },
                [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); },
                [] {
                  const pid_t child = ::fork();
                  if (child == 0) ::execl("/bin/true", "true", nullptr);
                  return child;
                }),
            "0 0 0");
}

#if defined(__x86_64__)
TEST(InstalledFilter, ServesNo32BitCall) {
  const std::string bytes = compileSeccomp(Isolation::System);
  EXPECT_EQ(test::inChild([&]() -> std::string {
              if (!install(bytes)) return "no filter";
              long result = 20;  // getpid of i386
              asm volatile("int $0x80" : "+a"(result) : : "memory");
              return std::to_string(result);
            }),
            std::to_string(-ENOSYS));
}
#endif

}  // namespace
}  // namespace vs
