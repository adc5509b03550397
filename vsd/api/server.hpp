// The socket of the API: accepts, reads bounded frames, hands calls to the Service on worker
// threads and writes the replies. One coroutine per connection on the daemon's single loop thread;
// nothing on the loop waits.
//
// Bounds: kMaxConnections at a time, of which kForRoot are root's alone, kServerFrameLimit per
// call, kFrameTime for a call begun but not finished, kWriteTime for a reply the client does not
// take. What breaks them is disconnected; others are served.
#pragma once

#include <asio.hpp>
#include <memory>

#include "vsd/api/service.hpp"

namespace vs::api {

inline constexpr int kMaxConnections = 512;
inline constexpr int kForRoot = 64;
inline constexpr Millis kFrameTime{10'000};
inline constexpr Millis kWriteTime{30'000};

struct Workers {
  asio::thread_pool quick{4};
  asio::thread_pool slow{16};
};

class Server {
 public:
  // `listening` is a bound, listening unix stream socket.
  Server(asio::io_context& loop, const Service& service, Fd listening);
  ~Server();

  // Accepts no more; connections end with their call.
  void stop();

 private:
  asio::awaitable<void> accept();

  asio::io_context& loop_;
  const Service& service_;
  Workers workers_;
  asio::posix::stream_descriptor listening_;
  std::shared_ptr<int> connections_ = std::make_shared<int>(0);
};

// A listening socket at `path`, mode 0660, owned by root and `group` (ignored with a warning when
// there is no such group). A socket left behind by a dead daemon is replaced; throws Busy when a
// living one answers there.
Fd listenAt(const std::string& path, const std::string& group);

}  // namespace vs::api
