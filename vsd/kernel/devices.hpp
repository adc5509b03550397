// The device nodes of a context and the second wall behind them: a BPF program on its cgroup that
// refuses every device but these, whatever node a task may come to hold (bpf(2), cgroup-v2.rst,
// "Device controller").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vsd/kernel/boot_plan.hpp"

namespace vs {

// null zero full random urandom tty: what every program expects and none can do harm with.
std::vector<DeviceNode> defaultDevices();

struct DeviceRule {
  static constexpr std::uint32_t kAnyMinor = ~0U;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;  // or kAnyMinor
};
// The nodes of the default table, the pseudo terminals (136..143:*) and ptmx (5:2). All are
// character devices to be read and written; making nodes (mknod) is allowed for none.
std::vector<DeviceRule> defaultDeviceRules();

// The program as bytes: an array of struct bpf_insn (linux/bpf.h). Pure.
std::string deviceProgram(const std::vector<DeviceRule>& rules);

enum class DeviceFilter { Attached, Unavailable };
// Loads the default program and attaches it to the cgroup `directory` refers to; it holds for all
// cgroups below and goes with it. Unavailable (and logged once) on a kernel without cgroup BPF.
DeviceFilter attachDeviceFilter(int directory);

}  // namespace vs
