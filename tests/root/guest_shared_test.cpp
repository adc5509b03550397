// A root file system on a shared mount, which is what every mount of a host with systemd is.
#include <sys/mount.h>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"

namespace vs::test {
namespace {

class SharedRoot : public BusyboxContext {
 protected:
  void SetUp() override {
    BusyboxContext::SetUp();
    if (IsSkipped()) return;
    check(::mount(root().c_str(), root().c_str(), nullptr, MS_BIND, nullptr), "bind the tree");
    check(::mount(nullptr, root().c_str(), nullptr, MS_SHARED, nullptr), "share the tree");
  }
  void TearDown() override {
    BusyboxContext::TearDown();
    ::umount2(root().c_str(), MNT_DETACH);
  }
};

TEST_F(SharedRoot, IsLeftAloneByWhatIsMountedInside) {
  const std::string before = readFile("/proc/self/mountinfo");
  boot("exec sleep 1000");
  EXPECT_EQ(run("mount -t tmpfs inside /tmp && echo mounted").out, "mounted\n");
  EXPECT_EQ(readFile("/proc/self/mountinfo"), before);
}

}  // namespace
}  // namespace vs::test
