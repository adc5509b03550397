#include "vsd/ops/limits.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

constexpr const char* kAnyDevice = "0:0";  // stands for the one that a volume will have

ResourceLimits resourceLimitsOf(const Limits& limits, std::string device) {
  ResourceLimits found;
  found.memory = limits.memory;
  found.swap = limits.swap;
  found.milliCpus = limits.milliCpus;
  found.cpuWeight = limits.cpuWeight;
  found.pids = limits.pids;
  found.readRate = limits.readRate;
  found.writeRate = limits.writeRate;
  found.device = std::move(device);
  return found;
}

void checkRates(const storage::Engine& storage, const Definition& definition) {
  const Limits& limits = definition.limits;
  if ((!limits.readRate && !limits.writeRate) || storage.capabilities().ownDevice) return;
  throw Error(
      Kind::Unsupported,
      fmt::format("cannot limit what context '{}' reads and writes: storage '{}' is of tier "
                  "{}, where volumes have no block device of their own",
                  definition.name, storage.name(), storage.capabilities().tier))
      .withHint("leave --read-rate and --write-rate away, or use a storage of tier thin or shared");
}

}  // namespace

void checkLimits(const Host& host, const Definition& definition) {
  if (definition.limits.isEmpty()) return;
  checkRates(*host.storages.named(definition.storage), definition);
  const ContextCgroup cgroup = cgroupOf(host, definition.name);
  const std::vector<std::string> available = cgroup.availableControllers();
  for (const LimitWrite& write : limitWrites(resourceLimitsOf(definition.limits, kAnyDevice)))
    if (write.need == LimitWrite::Need::Required &&
        std::find(available.begin(), available.end(), write.controller) == available.end())
      throw Error(
          Kind::Unsupported,
          fmt::format(
              "cannot limit context '{}': this host's cgroup v2 has no controller '{}' (for {})",
              definition.name, write.controller, write.file))
          .withHint("boot with systemd.unified_cgroup_hierarchy=1, or leave the limit away");
}

void applyLimits(const Host& host, const Definition& definition) {
  const auto device = host.storages.named(definition.storage)->deviceOf(definition.name);
  cgroupOf(host, definition.name)
      .applyLimits(resourceLimitsOf(definition.limits, device.value_or("")));
}

}  // namespace vs
