#include "vsd/base/rollback.hpp"

#include "vsd/base/log.hpp"

namespace vs {

void Rollback::add(std::string what, std::function<void()> undo) {
  steps_.push_back({std::move(what), std::move(undo)});
}

Rollback::~Rollback() {
  while (!steps_.empty()) {
    const Step step = std::move(steps_.back());
    steps_.pop_back();
    try {
      step.undo();
    } catch (const std::exception& error) {
      log::warning("cannot {}: {}, ignoring", step.what, error.what());
    }
  }
}

}  // namespace vs
