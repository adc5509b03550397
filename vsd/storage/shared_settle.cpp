// What calls that were cut off have left of volumes and their hand-overs.
#include <algorithm>
#include <charconv>

#include "vsd/base/log.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/shared_engine.hpp"

namespace vs::storage {
namespace {

constexpr std::string_view kEpoch = "ve-";

// "web" and 2 of "ve-web.2".
std::optional<std::uint64_t> epochIn(const std::string& volume, const std::string& name) {
  const std::string prefix = fmt::format("{}{}.", kEpoch, name);
  if (!volume.starts_with(prefix)) return std::nullopt;
  std::uint64_t epoch = 0;
  const char* end = volume.data() + volume.size();
  const auto result = std::from_chars(volume.data() + prefix.size(), end, epoch);
  return result.ec == std::errc() && result.ptr == end ? std::optional(epoch) : std::nullopt;
}

}  // namespace

std::string epochVolume(const std::string& name, std::uint64_t epoch) {
  return fmt::format("{}{}.{}", kEpoch, name, epoch);
}

std::vector<std::string> SharedEngine::removeLeftovers(const std::set<std::string>& inUse) {
  lvm().startLocks(group());
  std::vector<std::string> removed = LvmEngine::removeLeftovers(inUse);
  const Table known = table();
  std::vector<std::string> idle;
  for (const auto& [pool, description] : known) {
    const std::string name = description.isThinPool ? contextIn(known, pool) : "";
    if (name.empty() || inUse.contains(name) || isCopied(known, pool, inUse)) continue;
    try {
      if (isHere(known, description))
        settle(known, pool, name, removed, idle);
      else
        settleForeign(known, pool, name, removed, idle);
    } catch (const Error& error) {
      removed.push_back(fmt::format("volume '{}' on storage '{}' stays as it is: {}", name,
                                    this->name(), error.text()));
    }
  }
  // Locks, too, of what is not active: a call that was cut off may have taken one.
  deactivate(idle);
  return removed;
}

// A clone that is under way reads a snapshot in its source's pool.
bool SharedEngine::isCopied(const Table& known, const std::string& pool,
                            const std::set<std::string>& inUse) const {
  return std::ranges::any_of(inPool(known, pool), [&](const std::string& volume) {
    return inUse.contains(nameIn(volume)) && volume == freshVolume(nameIn(volume));
  });
}

void SharedEngine::settle(const Table& known, const std::string& pool, const std::string& name,
                          std::vector<std::string>& removed, std::vector<std::string>& idle) {
  const std::string volume = contextVolume(name);
  if (inPool(known, pool).size() == 1) {
    remove({pool}, fmt::format("remove the empty pool of '{}'", name));
    removed.push_back(fmt::format("removed the pool '{}' (not finished)", path(pool)));
  } else if (isMounted(mountPoint(volume))) {
    // A move that was cut off: what was released comes back unless it is another host's by now.
    if (dm::isCutOff(upper(volume))) takeBack(name);
    settleEpochs(name, removed);
  } else {
    settleEpochs(name, removed);
    if (pool != poolVolume(name)) renameVolume(pool, poolVolume(name));  // a rename was cut off
    forgetTable();
    for (const std::string& each : inPool(table(), poolVolume(name))) idle.push_back(each);
  }
}

// What this host has begun to take over and has not committed goes back.
void SharedEngine::settleForeign(const Table& known, const std::string& pool,
                                 const std::string& name, std::vector<std::string>& removed,
                                 std::vector<std::string>& idle) {
  const std::optional<Owner> owner = ownerOf(name);
  if (isMounted(mountPoint(contextVolume(name))) && dm::isCutOff(upper(contextVolume(name))))
    return;  // it has gone to the other host; what ran above it here is not removed yet
  if (!owner || !isActive(epochVolume(name, owner->epoch + 1))) {
    for (const std::string& each : inPool(known, pool)) idle.push_back(each);
    return;
  }
  giveUpTakeOver(name, owner->epoch + 1);
  removed.push_back(fmt::format("gave volume '{}' on storage '{}' back to host '{}'", name,
                                this->name(), owner->host));
}

void SharedEngine::settleEpochs(const std::string& name, std::vector<std::string>& sentences) {
  const Table known = table();
  const std::optional<Owner> owner = ownerOf(name);
  for (const auto& [volume, description] : known) {
    const std::optional<std::uint64_t> epoch = epochIn(volume, name);
    if (!epoch || !owner) continue;
    if (*epoch == owner->epoch) {
      finishTakeOver(name);
      sentences.push_back(
          fmt::format("finished taking over volume '{}' on storage '{}'", name, this->name()));
    } else {
      remove({volume}, fmt::format("remove what was left of taking over '{}'", name));
      sentences.push_back(
          fmt::format("removed what was left of taking over volume '{}' on "
                      "storage '{}'",
                      name, this->name()));
    }
  }
}

}  // namespace vs::storage
