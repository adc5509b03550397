#include "vsd/kernel/covers.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace vs {
namespace {

// Side channels and host facts: runc libcontainer/specconv/example.go, moby
// daemon/pkg/oci/defaults.go (interrupts, powercap, thermal_throttle: GHSA-6fw5-f8r9-fgfm,
// GHSA-jq35-85cj-fj4p), systemd src/nspawn/nspawn-mount.c (kallsyms).
constexpr const char* kEmptyFiles[] = {
    "/proc/interrupts",    "/proc/kallsyms",    "/proc/kcore",      "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats",
};
constexpr const char* kEmptyDirectories[] = {
    "/proc/acpi",    "/proc/asound",      "/proc/scsi",           "/sys/devices/virtual/powercap",
    "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
};
// pressure: who may write there sets triggers on the pressure of the whole host, and a descriptor
// of one cannot be put back by a checkpoint.
constexpr const char* kReadOnly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/pressure", "/proc/sys", "/proc/sysrq-trigger",
};
// The network settings are those of the context's own network namespace.
constexpr const char* kWritable[] = {"/proc/sys/net"};

}  // namespace

Covers defaultCovers(Isolation isolation, unsigned processors) {
  Covers covers;
  covers.readOnly.assign(std::begin(kReadOnly), std::end(kReadOnly));
  covers.writable.assign(std::begin(kWritable), std::end(kWritable));
  if (isolation == Isolation::Nesting) return covers;
  covers.emptyFiles.assign(std::begin(kEmptyFiles), std::end(kEmptyFiles));
  covers.emptyDirectories.assign(std::begin(kEmptyDirectories), std::end(kEmptyDirectories));
  for (unsigned cpu = 0; cpu < processors; ++cpu)
    covers.emptyDirectories.push_back(
        fmt::format("/sys/devices/system/cpu/cpu{}/thermal_throttle", cpu));
  return covers;
}

Covers defaultCovers(Isolation isolation) {
  const long processors = ::sysconf(_SC_NPROCESSORS_CONF);
  return defaultCovers(isolation, processors > 0 ? static_cast<unsigned>(processors) : 1U);
}

}  // namespace vs
