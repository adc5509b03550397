#include "vsd/pools.hpp"

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"

namespace vs {
namespace {

constexpr Millis kPeriod{1'000};
constexpr Millis kPeriodInTrouble{10'000};  // each look asks lvm then

// Without the figures, which change every time.
std::string keyOf(const std::string& trouble) {
  std::string key = trouble;
  std::erase_if(key, [](unsigned char c) { return std::isdigit(c) || c == '.'; });
  return key;
}

}  // namespace

Pools::Pools(const Host& host)
    : host_(host), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Pools::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(told_.empty() ? kPeriod : kPeriodInTrouble);
    look();
  }
}

void Pools::look() {
  const storage::Growth how{host_.config.growAt, host_.config.growBy, host_.config.growReserve};
  std::set<std::string> now;
  for (const auto& storage : host_.storages.all()) {
    try {
      for (const std::string& trouble : storage->growPools(how)) {
        now.insert(keyOf(trouble));
        if (!told_.contains(keyOf(trouble))) log::error("{}", trouble);
      }
    } catch (const std::exception& error) {
      const std::string text = fmt::format("storage '{}': {}", storage->name(), error.what());
      now.insert(keyOf(text));
      if (!told_.contains(keyOf(text))) log::error("{}", text);
    }
  }
  told_ = std::move(now);
}

}  // namespace vs
