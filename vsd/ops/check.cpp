#include "vsd/ops/check.hpp"

namespace vs {

std::string_view nameOf(Finding::State state) {
  switch (state) {
    case Finding::State::Ok: return "ok";
    case Finding::State::Degraded: return "degraded";
    case Finding::State::Missing: return "missing";
  }
  return "missing";
}

std::vector<Finding> checkHost(const Host& host) {
  const storage::Capabilities storage = host.storage.capabilities();
  return {{"storage", storage.tier, Finding::State::Ok, storage.copyMethod, ""}};
}

}  // namespace vs
