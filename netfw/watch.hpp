// Hears from the kernel when devices or nftables rules of ours change, whoever changes them: a
// reload of the host's own firewall (`flush ruleset`), somebody's `ip link del`. What is wrong is
// then for isLoaded() and the like to say: our own changes are heard, too.
#pragma once

#include <set>
#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"

namespace vs::netfw {

struct Heard {
  std::set<std::string> tables;  // "vsd-web1": something of them was removed
  bool devices = false;          // one of ours was removed
  bool missed = false;           // the kernel had more to say than was listened to: anything may be
  bool any() const { return !tables.empty() || devices || missed; }
};

class Watch {
 public:
  // Of this thread's network namespace.
  Watch();
  // What was heard, after `time` at most.
  Heard wait(Millis time);

 private:
  Fd rules_;
  Fd devices_;
};

}  // namespace vs::netfw
