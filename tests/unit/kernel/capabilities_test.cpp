#include "vsd/kernel/capabilities.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace vs {
namespace {

TEST(Capabilities, HaveTheNumbersOfTheKernel) {
  EXPECT_EQ(capabilityNumber("CAP_CHOWN"), CAP_CHOWN);
  EXPECT_EQ(capabilityNumber("sys_admin"), CAP_SYS_ADMIN);
  EXPECT_EQ(capabilityNumber("Cap_Setfcap"), CAP_SETFCAP);
  EXPECT_EQ(capabilityNumber("cap_checkpoint_restore"), 40);
  EXPECT_EQ(capabilityNumber("cap_fly"), std::nullopt);
  EXPECT_EQ(capabilityNumber(""), std::nullopt);
  for (int number = 0; number < kCapabilityCount; ++number)
    EXPECT_EQ(capabilityNumber(capabilityName(number)), number);
}

TEST(Capabilities, OfAMaskAreNamedInOrder) {
  EXPECT_EQ(capabilityNames(capability(CAP_KILL) | capability(CAP_CHOWN) | capability(63)),
            (std::vector<std::string>{"CAP_CHOWN", "CAP_KILL", "CAP_63"}));
  EXPECT_TRUE(capabilityNames(0).empty());
}

TEST(Capabilities, OfASystemAreTheseAndNoOthers) {
  EXPECT_EQ(capabilityNames(systemCapabilities()),
            (std::vector<std::string>{
                "CAP_CHOWN",           "CAP_DAC_OVERRIDE",     "CAP_DAC_READ_SEARCH",
                "CAP_FOWNER",          "CAP_FSETID",           "CAP_KILL",
                "CAP_SETGID",          "CAP_SETUID",           "CAP_SETPCAP",
                "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
                "CAP_NET_ADMIN",       "CAP_NET_RAW",          "CAP_IPC_LOCK",
                "CAP_IPC_OWNER",       "CAP_SYS_CHROOT",       "CAP_SYS_PTRACE",
                "CAP_SYS_ADMIN",       "CAP_SYS_BOOT",         "CAP_SYS_NICE",
                "CAP_SYS_RESOURCE",    "CAP_SYS_TTY_CONFIG",   "CAP_LEASE",
                "CAP_AUDIT_WRITE",     "CAP_SETFCAP"}));
}

}  // namespace
}  // namespace vs
