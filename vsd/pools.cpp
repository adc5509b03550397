#include "vsd/pools.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

constexpr Millis kPeriod{1'000};
constexpr Millis kPeriodInTrouble{10'000};  // of a storage that cannot be asked
// How many seconds writers of a full pool wait before they get an error; 0: until there is room
// (Documentation/admin-guide/device-mapper/thin-provisioning.rst).
constexpr const char* kWaitTime = "/sys/module/dm_thin_pool/parameters/no_space_timeout";

}  // namespace

Pools::Pools(const Host& host)
    : host_(host), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Pools::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kPeriod);
    look();
  }
}

void Pools::look() {
  if (host_.config.whenFull == WhenFull::Pause) letWritersWait();
  const storage::Growth how{host_.config.growAt, host_.config.growBy, host_.config.growReserve};
  const Deadline now = std::chrono::steady_clock::now();
  std::set<std::string> troubles;
  for (const auto& storage : host_.storages.all()) {
    Failure& failure = failures_[storage->name()];
    if (now >= failure.again) {
      failure = {};
      try {
        storage->keepRoom(how);
      } catch (const std::exception& error) {
        failure = {fmt::format("storage '{}': {}", storage->name(), error.what()),
                   now + kPeriodInTrouble};
      }
    }
    for (const std::string& trouble : storage->troubles()) tell(trouble, troubles);
    if (!failure.text.empty()) tell(failure.text, troubles);
  }
  told_ = std::move(troubles);
}

void Pools::tell(const std::string& trouble, std::set<std::string>& now) const {
  now.insert(withoutFigures(trouble));
  if (!told_.contains(withoutFigures(trouble))) log::error("{}", trouble);
}

// The setting is the kernel's, for all pools of the host; the module may be loaded at any time.
void Pools::letWritersWait() {
  const std::optional<std::string> set = readFileIfExists(kWaitTime);
  if (set && *set != "0\n") writeExisting(kWaitTime, "0");
}

}  // namespace vs
