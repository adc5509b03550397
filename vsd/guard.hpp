// Watches the monitors of running contexts from the daemon's loop and sees to it that every end is
// settled, also one that comes while another operation holds the context.
#pragma once

#include <asio.hpp>
#include <memory>
#include <string>

#include "vsd/ops/host.hpp"

namespace vs {

class Guard {
 public:
  Guard(asio::io_context& loop, const Host& host) : loop_(loop), host_(host) {}

  // Safe from any thread.
  void watch(const std::string& name, std::shared_ptr<const RunningContext> running);

 private:
  asio::awaitable<void> waitForEnd(std::string name, std::shared_ptr<const RunningContext> running);

  asio::io_context& loop_;
  const Host& host_;
};

}  // namespace vs
