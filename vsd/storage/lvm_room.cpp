#include "vsd/storage/lvm_room.hpp"

#include <algorithm>

#include "vsd/base/log.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {
namespace {

constexpr std::string_view kPoolLayer = "-tpool";  // LVM's name for the device of a pool in use
constexpr Bytes kDataStep = 256_MiB;               // at least, as long as there is room
constexpr Bytes kMetadataStep = 8_MiB;
constexpr Bytes kReserveStep = 64_MiB;
constexpr Bytes kExtent = 4_MiB;    // as groups are made; lvm wants whole sectors and rounds up
constexpr double kNearlyFull = 97;  // percent
constexpr double kMetadataScarce = 90;
constexpr Bytes kPlenty = 2_GiB;   // for each: more than is written until the next look
constexpr int kEarlyWarning = 10;  // percent of the group
// Other hosts change the group, too; each look at it is a call of lvm.
constexpr Millis kGroupAge{30'000};
constexpr Millis kGroupAgeInNeed{5'000};
constexpr Millis kTrimPeriod{std::chrono::hours(24)};
constexpr Millis kTrimPeriodInNeed{20'000};
constexpr Bytes kTrimPart = 8_GiB;  // at once: the mount is in use meanwhile

}  // namespace

Bytes shareOf(Bytes room, std::size_t users) {
  if (users <= 1 || room.value / users >= kPlenty.value) return room;
  return {room.value / users};
}

Bytes growthIn(const VolumeGroup& group, const Growth& how) {
  const std::uint64_t kept = group.size.value / 100 * static_cast<std::uint64_t>(how.reserve);
  return {group.free.value > kept ? group.free.value - kept : 0};
}

Step stepOf(Bytes wanted, Bytes growth, Bytes free, bool nearlyFull) {
  const auto whole = [](Bytes size) { return Bytes{size.value - size.value % kExtent.value}; };
  const Step usual{whole(std::min(wanted, growth)), false};
  if (usual.size.value > 0) return usual;
  const Step last{whole(std::min({wanted, kReserveStep, free})), true};
  return nearlyFull ? last : Step{};
}

std::vector<LvmEngine::Pool> LvmEngine::poolsInUse() const {
  std::vector<Pool> pools;
  for (const std::string& device : dm::list(deviceName(group_, ""))) {
    if (!isDeviceOf(group_, device) || !device.ends_with(kPoolLayer)) continue;
    const std::optional<dm::PoolUse> use = dm::poolUse(device);
    const std::string whole = device.substr(0, device.size() - kPoolLayer.size());
    if (use) pools.push_back({volumeOfDevice(group_, whole), *use});
  }
  return pools;
}

void LvmEngine::keepRoom(const Growth& how) {
  std::vector<Pool> pools = poolsInUse();
  std::vector<std::string> troubles;
  Bytes least = pools.empty() ? Bytes{0} : pools.front().use.free;
  for (Pool& pool : pools) {
    try {
      if (pool.use.dataPercent >= how.at || pool.use.metadataPercent >= how.at) growPool(pool, how);
    } catch (const Error& error) {
      troubles.push_back(fmt::format(
          "storage '{}': pool '{}' is {:.0f} % full ({:.0f} % of its metadata) and cannot grow: {}",
          name_, pool.name, pool.use.dataPercent, pool.use.metadataPercent, error.text()));
    }
    least = std::min(least, pool.use.free);
  }
  if (!pools.empty()) {
    VolumeGroup group = groupNotOlderThan(kGroupAge);
    if (growthIn(group, how).value / pools.size() < kPlenty.value)
      group = groupNotOlderThan(kGroupAgeInNeed);
    const Bytes growth = growthIn(group, how);
    if (troubles.empty() && least.value + growth.value < group.size.value / 100 * kEarlyWarning)
      troubles.push_back(fmt::format(
          "storage '{}' is nearly full: {} are left for what is written there, and volume group "
          "'{}' has {} free, its reserve of {} % included",
          name_, formatBytes({least.value + growth.value}), group_, formatBytes(group.free),
          how.reserve));
    limitVolumes(pools, shareOf(growth, pools.size()));
  }
  const std::lock_guard lock(looking_);
  troubles_ = std::move(troubles);
}

std::vector<std::string> LvmEngine::troubles() const {
  const std::lock_guard lock(looking_);
  return troubles_;
}

VolumeGroup LvmEngine::groupNotOlderThan(Millis age) const {
  const std::lock_guard lock(looking_);
  if (!groupSeen_ || std::chrono::steady_clock::now() >= seenAt_ + age) {
    groupSeen_ = lvm_.group(group_);
    seenAt_ = std::chrono::steady_clock::now();
  }
  if (!groupSeen_) throw failed("there is no volume group '{}'", group_);
  return *groupSeen_;
}

void LvmEngine::growPool(Pool& pool, const Growth& how) {
  if (!find(pool.name)) return;  // not one of ours
  bool onReserve = false;
  if (pool.use.dataPercent >= how.at) onReserve = growPart(pool, false, how);
  if (pool.use.metadataPercent >= how.at) onReserve = growPart(pool, true, how) || onReserve;
  if (const auto use = dm::poolUse(deviceName(group_, pool.name) + std::string(kPoolLayer)))
    pool.use = *use;
  if (onReserve) throw failed("it has taken of the reserve of volume group '{}'", group_);
}

bool LvmEngine::growPart(Pool& pool, bool metadata, const Growth& how) {
  const VolumeGroup group = groupNotOlderThan(kGroupAgeInNeed);
  const Bytes size = metadata ? Bytes{0} : get(pool.name, noVolume(pool.name)).size;
  const Bytes wanted{std::max(metadata ? kMetadataStep.value : kDataStep.value,
                              size.value / 100 * static_cast<std::uint64_t>(how.by))};
  const double percent = metadata ? pool.use.metadataPercent : pool.use.dataPercent;
  const Step step = stepOf(wanted, growthIn(group, how), group.free, percent >= kNearlyFull);
  if (step.size.value == 0)
    throw Error(Kind::Failed,
                fmt::format("volume group '{}' has {} free, and {} % of it are kept as a reserve",
                            group_, formatBytes(group.free), how.reserve),
                ENOSPC);
  {
    const std::lock_guard lock(looking_);
    groupSeen_.reset();
  }
  change(fmt::format("grow pool '{}' by {}", path(pool.name), formatBytes(step.size)),
         {"lvextend", metadata ? "--poolmetadatasize" : "-L", "+" + sizeWord(step.size),
          path(pool.name)},
         [&](Table& table) {
           if (!metadata) table[pool.name].size.value += step.size.value;
         });
  log::info("storage '{}': pool '{}' has grown by {}{}", name_, pool.name, formatBytes(step.size),
            metadata ? " of metadata" : "");
  return step.fromReserve;
}

// Each file system is told what it may still take, again at every look: what others in the pool
// take, what overwriting takes of a volume that has snapshots, what grows, all changes it.
void LvmEngine::limitVolumes(const std::vector<Pool>& pools, Bytes growth) {
  struct Mounted {
    std::string volume;
    dev_t number;
    std::size_t pool;
  };
  std::vector<Mounted> mounted;
  std::vector<std::size_t> users(pools.size(), 0);
  const std::string prefix = upper("");
  for (const std::string& device : dm::list(prefix)) {
    if (!contextOfSnapshot(device.substr(prefix.size())).empty()) continue;  // only read
    const std::optional<dev_t> number = dm::numberOf(device);
    const std::optional<dev_t> volume = dm::below(device);
    const std::optional<dev_t> below = volume ? dm::below(*volume) : std::nullopt;
    const auto pool =
        std::ranges::find_if(pools, [&](const Pool& each) { return below == each.use.number; });
    if (!number || pool == pools.end()) continue;
    const auto index = static_cast<std::size_t>(pool - pools.begin());
    mounted.push_back({device.substr(prefix.size()), *number, index});
    ++users[index];
  }
  for (const Mounted& each : mounted) {
    const dm::PoolUse& use = pools[each.pool].use;
    Bytes room = shareOf({use.free.value + growth.value}, users[each.pool]);
    if (use.metadataPercent >= kMetadataScarce && growth < kMetadataStep) room = {0};
    const bool inNeed = limitRoom(mountPoint(each.volume), each.number, room);
    trimSome(each.volume, inNeed);
  }
  std::erase_if(trims_, [&](const auto& entry) {
    return std::ranges::find(mounted, entry.first, &Mounted::volume) == mounted.end();
  });
}

// What files that are gone took goes back to the pool: once a day, and when room is short. It is
// done in parts, each of which has the mount in use for a moment only.
void LvmEngine::trimSome(const std::string& volume, bool inNeed) {
  const Deadline now = std::chrono::steady_clock::now();
  Trim& trim = trims_.try_emplace(volume, Trim{now, std::nullopt, {}}).first->second;
  const Deadline due = inNeed ? trim.last.value_or(now - kTrimPeriodInNeed) + kTrimPeriodInNeed
                              : trim.last.value_or(trim.seen) + kTrimPeriod;
  if (trim.at.value == 0 && now < due) return;
  if (giveBack(mountPoint(volume), trim.at, kTrimPart))
    trim = {trim.seen, now, {}};
  else
    trim.at.value += kTrimPart.value;
}

std::optional<Engine::Promise> LvmEngine::promise(Millis age) const {
  const VolumeGroup group = groupNotOlderThan(age);
  if (age == Millis(0)) forgetTable();
  Promise promise{{}, group.free};
  for (const auto& [volume, description] : table()) {
    if (description.isThinPool) promise.capacity.value += description.size.value;
    if (isContext(volume)) promise.promised.value += description.size.value;
  }
  return promise;
}

}  // namespace vs::storage
