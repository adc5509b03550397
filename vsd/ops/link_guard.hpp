// Puts back what somebody takes away of the links and firewalls of running contexts, a moment after
// it is heard of: a reload of the host's own nftables removes all rules, theirs too.
#pragma once

#include <set>
#include <string>
#include <thread>

#include "netfw/watch.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

class LinkGuard {
 public:
  // Looks at all contexts first: vsd may have been away.
  explicit LinkGuard(const Host& host);

 private:
  void run(const std::stop_token& stop);
  void listen(const std::stop_token& stop);
  void suspect(const netfw::Heard& heard);
  void lookAtSuspects();

  const Host& host_;
  std::set<std::string> suspects_;  // contexts
  std::jthread thread_;
};

}  // namespace vs
