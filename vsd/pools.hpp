// Looks after the space of all storages while vsd runs: once a second pools are grown that get
// full, and what is wrong with them is logged, once.
#pragma once

#include <set>
#include <string>
#include <thread>

#include "vsd/ops/host.hpp"

namespace vs {

class Pools {
 public:
  explicit Pools(const Host& host);

 private:
  void run(const std::stop_token& stop);
  void look();

  const Host& host_;
  std::set<std::string> told_;
  std::jthread thread_;
};

}  // namespace vs
