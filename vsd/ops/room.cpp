#include "vsd/ops/room.hpp"

#include "vsd/base/error.hpp"

namespace vs {
namespace {

constexpr Bytes kReserve = 64_MiB;  // stays free on a storage
constexpr const char* kMoreSpace =
    "give the storage more space, or choose another with --storage or --to";

}  // namespace

void checkPromise(const Host& host, const storage::Engine& storage, Bytes more) {
  const auto times = static_cast<std::uint64_t>(host.config.overcommit);
  const auto fits = [&](const storage::Engine::Promise& promise) {
    return promise.promised.value + more.value <= promise.capacity.value * times;
  };
  constexpr Millis kMinute{60'000};
  std::optional<storage::Engine::Promise> promise = storage.promise(kMinute);
  if (!promise || fits(*promise)) return;
  promise = storage.promise(Millis(0));  // there may be a new disk
  if (fits(*promise)) return;
  throw Error(
      Kind::Failed,
      fmt::format("storage '{}' cannot promise {} more: it can hold {}, and its volumes are "
                  "promised {}, where {} times that is allowed",
                  storage.name(), formatBytes(more), formatBytes(promise->capacity),
                  formatBytes(promise->promised), times),
      ENOSPC)
      .withHint(
          "add a disk to its volume group with 'vgextend', remove contexts, or raise "
          "'overcommit' in vsd.toml(5)");
}

Bytes sizeForTree(Bytes disk) { return {disk.value + disk.value / 8 + kReserve.value}; }

void needSpace(const storage::Engine& storage, const std::string& intent, Bytes disk) {
  const storage::Space space = storage.space();
  const std::uint64_t all = space.size.value + space.growth.value;
  const Bytes free{all > space.used.value ? all - space.used.value : 0};
  const Bytes needed{disk.value + kReserve.value};
  if (needed.value >= kReserve.value && needed <= free) return;
  throw Error(Kind::Failed,
              fmt::format("cannot {}: not enough space on storage '{}': {} needed, {} free", intent,
                          storage.name(), formatBytes(needed), formatBytes(free)),
              ENOSPC)
      .withHint(kMoreSpace);
}

bool isFull(const Error& error) {
  return error.errnoValue() == ENOSPC || error.errnoValue() == EDQUOT;
}

Error storageFull(const std::string& intent, const std::string& storage, const Error& error) {
  return Error(Kind::Failed,
               fmt::format("cannot {}: storage '{}' is full: {}", intent, storage, error.text()),
               ENOSPC)
      .withHint(kMoreSpace);
}

}  // namespace vs
