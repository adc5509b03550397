#include "vsd/guard.hpp"

#include "vsd/base/log.hpp"
#include "vsd/ops/reconcile.hpp"

namespace vs {
namespace {
constexpr Millis kRetry{200};
}

void Guard::watch(const std::string& name, std::shared_ptr<const RunningContext> running) {
  asio::co_spawn(loop_, waitForEnd(name, std::move(running)), asio::detached);
}

asio::awaitable<void> Guard::waitForEnd(std::string name,
                                        std::shared_ptr<const RunningContext> running) {
  try {
    asio::posix::stream_descriptor pidfd(loop_, Fd(::dup(running->guest.fd())).release());
    co_await pidfd.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    asio::steady_timer timer(loop_);
    for (;;) {
      // Gone, restarted or renamed meanwhile: then it is somebody else's end.
      const auto context = host_.contexts.findIfAny(name);
      if (!context || context->running != running) co_return;
      if (trySettle(host_, name)) co_return;
      timer.expires_after(kRetry);
      co_await timer.async_wait(asio::use_awaitable);
    }
  } catch (const std::exception& error) {
    log::error("context '{}': its end cannot be watched: {}", name, error.what());
  }
}

}  // namespace vs
