#include "vsd/kernel/capabilities.hpp"

#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>

namespace vs {
namespace {

constexpr std::array<std::string_view, kCapabilityCount> kNames{
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

constexpr std::uint64_t maskOf(std::initializer_list<int> numbers) {
  std::uint64_t mask = 0;
  for (const int number : numbers) mask |= capability(number);
  return mask;
}

// moby daemon/pkg/oci/caps/defaults.go, without MKNOD: no node can be made in a user namespace.
constexpr std::uint64_t kMoby = maskOf(
    {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_NET_RAW, CAP_SETGID, CAP_SETUID,
     CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE});

// What a stock Debian system asks for beside them. SYS_ADMIN: systemd mounts; NET_ADMIN: its links
// and firewall are its own; SYS_BOOT: reboot and poweroff end the context; SYS_PTRACE: systemd and
// ps read /proc of other users' processes; SYS_RESOURCE, SYS_NICE, IPC_LOCK, LEASE, NET_BROADCAST,
// IPC_OWNER, SYS_TTY_CONFIG (vhangup of a getty), DAC_READ_SEARCH: unit files name them, and a
// CapabilityBoundingSet= that lists one we lack only makes it smaller.
constexpr std::uint64_t kSystem =
    kMoby | maskOf({CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_BOOT, CAP_SYS_PTRACE, CAP_SYS_RESOURCE,
                    CAP_SYS_NICE, CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_LEASE, CAP_NET_BROADCAST,
                    CAP_SYS_TTY_CONFIG, CAP_DAC_READ_SEARCH, CAP_LINUX_IMMUTABLE});

}  // namespace

std::string_view capabilityName(int number) {
  return number >= 0 && number < kCapabilityCount ? kNames[static_cast<std::size_t>(number)] : "";
}

std::optional<int> capabilityNumber(std::string_view name) {
  std::string wanted;
  for (const char c : name)
    wanted += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (!wanted.starts_with("CAP_")) wanted = "CAP_" + wanted;
  for (int number = 0; number < kCapabilityCount; ++number)
    if (capabilityName(number) == wanted) return number;
  return std::nullopt;
}

std::vector<std::string> capabilityNames(std::uint64_t mask) {
  std::vector<std::string> names;
  for (int number = 0; number < 64; ++number) {
    if ((mask & capability(number)) == 0) continue;
    const std::string_view name = capabilityName(number);
    names.push_back(name.empty() ? fmt::format("CAP_{}", number) : std::string(name));
  }
  return names;
}

std::uint64_t systemCapabilities() { return kSystem; }

std::uint64_t nestingCapabilities() { return kSystem | maskOf({CAP_MKNOD, CAP_AUDIT_CONTROL}); }

int limitBoundingSet(std::uint64_t mask) noexcept {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return errno;
  for (int number = 0; number < 64; ++number) {
    if ((mask & capability(number)) != 0) continue;
    // EINVAL: this kernel's last capability is behind us.
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EINVAL) return errno;
  }
  return 0;
}

int setCapabilities(std::uint64_t mask) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto low = static_cast<std::uint32_t>(mask);
  const auto high = static_cast<std::uint32_t>(mask >> 32);
  const __user_cap_data_struct data[2] = {{low, low, 0}, {high, high, 0}};
  return ::syscall(SYS_capset, &header, data) < 0 ? errno : 0;
}

}  // namespace vs
