#include "vsd/kernel/covers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace vs {
namespace {

TEST(Covers, OfASystemHideWhatIsNotNamespaced) {
  const Covers covers = defaultCovers(Isolation::System, 1);
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/timer_list",
                           "/proc/interrupts", "/proc/sched_debug"})
    EXPECT_EQ(std::count(covers.emptyFiles.begin(), covers.emptyFiles.end(), path), 1) << path;
  EXPECT_EQ(covers.emptyDirectories,
            (std::vector<std::string>{
                "/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/devices/virtual/powercap",
                "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
                "/sys/devices/system/cpu/cpu0/thermal_throttle"}));
  EXPECT_EQ(covers.readOnly,
            (std::vector<std::string>{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/pressure",
                                      "/proc/sys", "/proc/sysrq-trigger"}));
  EXPECT_EQ(covers.writable, std::vector<std::string>{"/proc/sys/net"});
}

TEST(Covers, GrowWithTheProcessors) {
  EXPECT_EQ(defaultCovers(Isolation::System, 64).emptyDirectories.size(),
            defaultCovers(Isolation::System, 0).emptyDirectories.size() + 64);
}

// A /proc that is hidden in part cannot be mounted again by a container inside.
TEST(Covers, OfANestingContextHideNothing) {
  const Covers covers = defaultCovers(Isolation::Nesting, 4);
  EXPECT_TRUE(covers.emptyFiles.empty());
  EXPECT_TRUE(covers.emptyDirectories.empty());
  EXPECT_EQ(covers.readOnly, defaultCovers(Isolation::System, 4).readOnly);
}

}  // namespace
}  // namespace vs
