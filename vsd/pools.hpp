// Looks after the space of all storages while vsd runs: once a second each keeps its writers and
// the room it has together (Engine::keepRoom), and what is wrong is logged, once.
#pragma once

#include <map>
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
  void tell(const std::string& trouble, std::set<std::string>& now) const;
  static void letWritersWait();

  struct Failure {
    std::string text;
    Deadline again;
  };
  const Host& host_;
  std::map<std::string, Failure> failures_;
  std::set<std::string> told_;
  std::jthread thread_;
};

}  // namespace vs
