// A daemon for tests of its clients: a real socket, and on it a conversation that the test writes
// down as a function. Each connection is served by a thread of its own.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "vsd/api/framing.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"

namespace vs::test {

// The daemon's end of one connection.
class Connection {
 public:
  explicit Connection(Fd socket) : socket_(std::move(socket)) {}

  struct Call {
    Json message;
    std::vector<Fd> fds;
    std::string method() const { return message.value("method", ""); }
    const Json& parameters() const { return message.at("parameters"); }
  };
  // The next call; an empty method when the client has gone.
  Call next() {
    for (;;) {
      if (auto frame = frames_.pop())
        return {parseJson(frame->text, "a call"), std::move(frame->fds)};
      Received received = receiveWithFds(socket_.get(), api::kReadSize);
      if (received.bytes.empty()) return {Json::object(), {}};
      frames_.push(received.bytes, std::move(received.fds));
    }
  }
  void send(const Json& message, const std::vector<int>& fds = {}) {
    sendWithFds(socket_.get(), api::encodeFrame(message, api::BadText::Replace), fds);
  }
  void reply(const Json& parameters, const std::vector<int>& fds = {}) {
    send({{"parameters", parameters}}, fds);
  }
  void replyAndContinue(const Json& parameters) {
    send({{"parameters", parameters}, {"continues", true}});
  }
  void sendBytes(std::string_view bytes) { writeAll(socket_.get(), bytes, "test"); }

 private:
  Fd socket_;
  api::FrameReader frames_{api::kServerFrameLimit};
};

class FakeDaemon {
 public:
  using Serve = std::function<void(Connection&)>;

  explicit FakeDaemon(Serve serve) : serve_(std::move(serve)), path_(folder_.path() + "/sock") {
    listener_ = Fd(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    check(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
    check(::listen(listener_.get(), 16), "listen");
    acceptor_ = std::thread([this] { acceptAll(); });
  }
  ~FakeDaemon() { finish(); }

  // Returns when every connection has been served; from then on what they noted can be read.
  void finish() {
    if (!acceptor_.joinable()) return;
    ::shutdown(listener_.get(), SHUT_RDWR);  // accept(2) returns
    acceptor_.join();
    for (std::thread& server : servers_) server.join();
  }

  const std::string& path() const { return path_; }

 private:
  void acceptAll() {
    for (;;) {
      const int accepted = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) return;
      servers_.emplace_back([this, accepted] {
        Connection connection{Fd(accepted)};
        try {
          serve_(connection);
        } catch (const Error&) {
          // The client has gone in the middle, which is for the test to judge.
        }
      });
    }
  }

  Serve serve_;
  TempDir folder_;
  std::string path_;
  Fd listener_;
  std::thread acceptor_;
  std::vector<std::thread> servers_;
};

}  // namespace vs::test
