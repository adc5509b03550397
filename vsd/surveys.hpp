// Looks now and then at every running context for what is in the way of saving its memory, so that
// `list` says beforehand what could be moved: soon after it has started, then every half minute.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "vsd/ops/host.hpp"

namespace vs {

class Surveys {
 public:
  explicit Surveys(const Host& host);

 private:
  struct Known {
    std::weak_ptr<const RunningContext> run;
    Deadline next{};
  };

  void run(const std::stop_token& stop);
  void lookAtAll();

  const Host& host_;
  std::map<std::string, Known> known_;  // by the context's name
  std::jthread thread_;
};

}  // namespace vs
