// The walls of the cage, tried from inside.
#include "vsd/unpack/cage.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "vsd/base/file.hpp"

namespace vs::unpack {
namespace {

constexpr int kKilled = 128 + SIGSYS;

class CageTest : public testing::Test {
 protected:
  CageTest() {
    makeDirectories(scratch_.path() + "/target/inside");
    writeAtomic(scratch_.path() + "/outside", "secret");
  }

  // Runs `attempt` in the cage; what it returns (0..100) comes back, or 128 + the signal that ended
  // it, or 101 when the cage could not be built.
  int inCage(const std::function<int()>& attempt, TreeAccess access = TreeAccess::Write) {
    const Fd target = openFile(scratch_.path() + "/target", O_PATH | O_DIRECTORY);
    const Fd archive = openFile("/dev/null", O_RDONLY);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const Fd kept = enterCage({1'000'000'000, 65536}, target.get(), archive.get(), access);
        ::_exit(attempt());
      } catch (const std::exception& error) {
        ::_exit(101);
      }
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static int errnoOf(int result) { return result < 0 ? errno : 0; }

  TempDir scratch_;
};

TEST_F(CageTest, TheTargetIsAllThereIs) {
  EXPECT_EQ(inCage([] { return errnoOf(::open("/etc/passwd", O_RDONLY)); }), ENOENT);
  EXPECT_EQ(inCage([] { return errnoOf(::open("/proc/self/status", O_RDONLY)); }), ENOENT);
  EXPECT_EQ(inCage([] { return errnoOf(::open("/../outside", O_RDONLY)); }), ENOENT);
  EXPECT_EQ(inCage([] { return errnoOf(::open("/inside", O_RDONLY | O_DIRECTORY)); }), 0);
}

TEST_F(CageTest, NoDescriptorLeadsOut) {
  EXPECT_EQ(inCage([] {
              int open = 0;
              for (int fd = 0; fd < 1024; ++fd)
                if (::fcntl(fd, F_GETFD) >= 0) ++open;
              return open;
            }),
            4);
}

TEST_F(CageTest, ForbiddenCallsEndIt) {
  EXPECT_EQ(inCage([] { return errnoOf(::socket(AF_UNIX, SOCK_STREAM, 0)); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::execl("/inside", "x", nullptr)); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::fork()); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::chroot("/inside")); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::kill(1, SIGTERM)); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::mknod("/inside/sda", S_IFBLK | 0600, 0x800)); }), kKilled);
  EXPECT_EQ(inCage([] { return errnoOf(::setuid(1)); }), kKilled);
}

TEST_F(CageTest, MemoryCannotBeExecuted) {
  const auto map = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  };
  EXPECT_EQ(inCage([&] { return static_cast<int>(map(PROT_READ | PROT_WRITE)); }), 0);
  EXPECT_EQ(inCage([&] { return static_cast<int>(map(PROT_READ | PROT_EXEC)); }), kKilled);
}

TEST_F(CageTest, IdsOnTheDiskAreAsInside) {
  EXPECT_EQ(inCage([] {
              const int fd = ::open("/file", O_WRONLY | O_CREAT, 0600);
              if (::fchown(fd, 65535, 33) < 0) return errno;
              return errnoOf(::fchown(fd, 65536, 33));
            }),
            EINVAL);
  struct stat status {};
  ASSERT_EQ(::stat((scratch_.path() + "/target/file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65535U);
  EXPECT_EQ(status.st_gid, 33U);
}

TEST_F(CageTest, ATreeToBePackedCannotBeChanged) {
  EXPECT_EQ(
      inCage([] { return errnoOf(::open("/new", O_WRONLY | O_CREAT, 0600)); }, TreeAccess::Read),
      EROFS);
}

}  // namespace
}  // namespace vs::unpack
