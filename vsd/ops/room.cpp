#include "vsd/ops/room.hpp"

#include "vsd/base/error.hpp"

namespace vs {

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

}  // namespace vs
