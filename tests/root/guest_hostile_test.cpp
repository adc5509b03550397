// Root file systems that try to have something mounted outside of themselves, or something of
// theirs mounted where the host's or our own must be (security cases B3 to B6).
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/paths.hpp"

namespace vs::test {
namespace {

class HostileRoot : public BusyboxContext {
 protected:
  std::string textOfFailure() {
    try {
      boot("exec sleep 1000");
    } catch (const Error& error) {
      return error.text();
    }
    return "it booted";
  }
  static std::string mounts() { return readFile("/proc/self/mountinfo"); }
};

TEST_F(HostileRoot, IsRefusedWhenAMountPointIsALink) {
  const TempDir victim;
  const std::string before = mounts();
  for (const auto& [name, stage] :
       {std::pair{"dev", "setting up /dev"}, std::pair{"proc", "mounting /proc"},
        std::pair{"sys", "mounting /sys"}, std::pair{"run", "setting up /run"}}) {
    const std::string path = root() + "/" + name;
    std::filesystem::remove_all(path);
    std::filesystem::create_symlink(victim.path(), path);
    EXPECT_EQ(textOfFailure(), fmt::format("{}: Not a directory", stage));
    std::filesystem::remove(path);
    EXPECT_TRUE(listDirectory(victim.path()).empty());
  }
  EXPECT_EQ(mounts(), before);
  EXPECT_FALSE(exists(state() + "/running"));
}

TEST_F(HostileRoot, IsRefusedWhenAMountPointIsAFile) {
  writeAtomic(root() + "/proc", "", 0644);
  EXPECT_EQ(textOfFailure(), "mounting /proc: Not a directory");
}

TEST_F(HostileRoot, IsRefusedWhenALinkStaysInside) {
  std::filesystem::create_directory(root() + "/etc/dev");
  std::filesystem::create_symlink("etc/dev", root() + "/dev");
  EXPECT_EQ(textOfFailure(), "setting up /dev: Not a directory");
}

TEST_F(HostileRoot, HasItsOwnDevHiddenWhole) {
  makeDirectories(root() + "/dev/pts");
  std::filesystem::create_symlink("/proc/sys/kernel/core_pattern", root() + "/dev/null");
  std::filesystem::create_symlink("/proc/sysrq-trigger", root() + "/dev/console");
  std::filesystem::create_symlink("/proc/sysrq-trigger", root() + "/dev/pts/0");
  std::filesystem::create_symlink("/", root() + "/dev/shm");
  const std::string pattern = readFile("/proc/sys/kernel/core_pattern");
  boot("echo said; exec sleep 1000");
  EXPECT_NE(consoleWith("said").find("said"), std::string::npos);
  EXPECT_EQ(run("stat -c '%F %t:%T' /dev/null").out, "character special file 1:3\n");
  EXPECT_EQ(run("readlink /dev/console; stat -Lc '%F' /dev/console /dev/pts/0 /dev/shm").out,
            "pts/0\ncharacter special file\ncharacter special file\ndirectory\n");
  EXPECT_EQ(run("echo '|/tmp/x' > /dev/null; echo $?").out, "0\n");
  EXPECT_EQ(readFile("/proc/sys/kernel/core_pattern"), pattern);
}

TEST_F(HostileRoot, HasItsPasswdReadOnlyAsAFile) {
  std::filesystem::remove(root() + "/etc/passwd");
  ASSERT_EQ(::mkfifo((root() + "/etc/passwd").c_str(), 0666), 0);
  boot("exec sleep 1000");
  EXPECT_EQ(run("echo root").out, "root\n");
  EXPECT_EQ(run("echo ann", "ann").status, 125) << "a FIFO holds no users, and nobody waits for it";
}

TEST_F(HostileRoot, CannotLeadTheRecordsOrTheLogElsewhere) {
  const TempDir victim;
  const std::string target = victim.path() + "/shadow";
  writeAtomic(target, "precious\n");
  std::filesystem::create_symlink(target, state() + "/console.log");
  boot("echo x; exec sleep 1000");
  EXPECT_EQ(run("true").status, 0);
  EXPECT_EQ(readFile(target), "precious\n");
}

}  // namespace
}  // namespace vs::test
