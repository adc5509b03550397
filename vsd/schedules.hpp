// Looks at the clock for all contexts that have a schedule of snapshots: once a second it asks
// itself whether the time has come, and only then the storage. Nothing is remembered over a
// restart: what is due is told by the snapshots that are there. A clock that jumps is noticed by
// the next look.
#pragma once

#include <map>
#include <string>
#include <thread>

#include "vsd/ops/host.hpp"

namespace vs {

class Schedules {
 public:
  explicit Schedules(const Host& host);

 private:
  // What is known of a context until its next slot begins.
  struct Known {
    Schedule schedule;
    Moment looked;
    Moment next;
    Deadline again{};  // what did not work is not tried before
    Millis pause{};
  };

  void run(const std::stop_token& stop);
  void lookAtAll();
  void look(const ContextPicture& context, Known& known);
  void begin(const std::string& name);

  const Host& host_;
  std::map<std::string, Known> known_;  // by the context's name
  std::jthread thread_;
};

}  // namespace vs
