#include "vsd/api/server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vsd/api/framing.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"

namespace vs::api {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using Descriptor = asio::posix::stream_descriptor;

constexpr Millis kFollowStep{200};
constexpr Millis kAcceptPause{100};

uid_t callerOf(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  check(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size), "ask who calls");
  return who.uid;
}

bool isShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Closes a connection when the time is over before the guard is gone.
class Limiter {
 public:
  Limiter(Descriptor& descriptor, Millis time) : timer_(descriptor.get_executor(), time) {
    // The handler may be queued already when the guard goes: it then finds that nobody wants it.
    timer_.async_wait(
        [&descriptor, wanted = std::weak_ptr<int>(wanted_)](const std::error_code& error) {
          if (!error && !wanted.expired()) descriptor.cancel();
        });
  }

 private:
  std::shared_ptr<int> wanted_ = std::make_shared<int>(0);
  asio::steady_timer timer_;
};

Json finalReply(Json parameters) {
  Json message = Json::object();
  message["parameters"] = std::move(parameters);
  return message;
}

Json replyThatContinues(Json parameters) {
  Json message = finalReply(std::move(parameters));
  message["continues"] = true;
  return message;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::io_context& loop, Workers& workers, const Service& service, Fd socket, uid_t caller,
          std::shared_ptr<int> connections)
      : workers_(workers),
        service_(service),
        user_(caller == 0 ? "root" : fmt::format("uid {}", caller)),
        descriptor_(loop, socket.release()),
        connections_(std::move(connections)) {
    ++*connections_;
  }
  ~Session() { --*connections_; }

  awaitable<void> run() {
    const auto self = shared_from_this();
    try {
      while (auto frame = co_await read()) co_await serve(std::move(*frame));
    } catch (const std::system_error&) {
      // The client is gone or was too slow; its operations go on.
    } catch (const std::exception& error) {
      log::debug("connection of {}: {}", user_, error.what());
    }
  }

 private:
  awaitable<std::optional<Frame>> read() {
    for (;;) {
      if (auto frame = frames_.pop()) co_return frame;
      std::optional<Limiter> limiter;
      if (!frames_.isAtBoundary()) limiter.emplace(descriptor_, kFrameTime);
      co_await descriptor_.async_wait(Descriptor::wait_read, use_awaitable);
      Received received = receiveWithFds(descriptor_.native_handle(), kReadSize);
      if (received.bytes.empty()) co_return std::nullopt;
      frames_.push(received.bytes, std::move(received.fds));
    }
  }

  awaitable<void> write(Json message) {
    const std::vector<Fd> none;
    co_await write(std::move(message), none);
  }

  awaitable<void> write(Json message, const std::vector<Fd>& fds) {
    const std::string bytes = encodeFrame(message, BadText::Replace);
    std::vector<int> numbers;
    for (const Fd& fd : fds) numbers.push_back(fd.get());
    std::string_view rest = bytes;
    const Limiter limiter(descriptor_, kWriteTime);
    while (!rest.empty()) {
      const ssize_t sent = sendSome(rest, numbers);
      if (sent < 0) {
        co_await descriptor_.async_wait(Descriptor::wait_write, use_awaitable);
        continue;
      }
      rest.remove_prefix(static_cast<std::size_t>(sent));
      numbers.clear();  // they travelled with the first bytes
    }
  }

  // Bytes taken by the socket, or -1 when it is full.
  ssize_t sendSome(std::string_view bytes, const std::vector<int>& fds) {
    const int socket = descriptor_.native_handle();
    if (!fds.empty()) {
      // A first byte with the descriptors, so that a full socket never splits them from the
      // message.
      sendWithFds(socket, bytes.substr(0, 1), fds);
      return 1;
    }
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) return -1;
    return check(sent, "send a reply");
  }

  awaitable<void> serve(Frame frame) {
    Call call;
    std::string method;
    bool oneway = false;
    std::optional<Json> refusal;
    try {
      const Json message = parseJson(frame.text, "the call");
      method = message.at("method").get<std::string>();
      call.parameters = message.value("parameters", Json::object());
      if (call.parameters.is_null()) call.parameters = Json::object();
      call.more = message.value("more", false);
      oneway = message.value("oneway", false);
      call.fds = std::move(frame.fds);
      call.user = user_;
    } catch (const Error& error) {
      refusal = service_.errorReply(error);
    } catch (const Json::exception&) {
      refusal = service_.errorReply(
          invalid("the call is no object {{method, parameters, more, oneway}}"));
    }
    if (refusal) {
      co_await write(*refusal);
      throw invalid("a broken call");  // nothing after it can be trusted to be a call
    }
    const bool more = call.more;
    Service::Result result = co_await handleOnWorker(method, call);
    if (result.watch) co_return co_await tell(*result.watch, more && !oneway, oneway);
    if (result.follow && more && !oneway) co_return co_await follow(*result.follow);
    if (result.follow) result.reply = finalReply(result.follow->first);
    if (!oneway) co_await write(*result.reply, result.fds);
  }

  awaitable<Service::Result> handleOnWorker(const std::string& method, Call& call) {
    co_return co_await asio::co_spawn(
        service_.paceOf(method) == Pace::Slow ? workers_.slow : workers_.quick,
        [this, &method, &call]() -> awaitable<Service::Result> {
          co_return service_.handle(method, call);
        },
        use_awaitable);
  }

  // Tells of an operation until it ends: each change with `more`, else only the end.
  awaitable<void> tell(const Watch& watch, bool more, bool silent) {
    const Deadline deadline = watch.timeout ? deadlineIn(*watch.timeout) : Deadline::max();
    auto changes = std::make_shared<Changes>(descriptor_.get_executor());
    const auto handle = watch.operation->observe(Changes::announcing(changes));
    for (;;) {
      changes->seen = 0;
      const OperationPicture picture = watch.operation->picture();
      const bool ended = picture.state != OperationState::Running;
      const bool late = std::chrono::steady_clock::now() >= deadline;
      if (ended || watch.once || late) {
        if (!silent) co_await write(lastReply(watch, picture, late));
        co_return;
      }
      if (more) co_await write(replyThatContinues(watch.reply(picture)));
      if (changes->seen == 0) co_await changes->wait(deadline);
    }
  }

  Json lastReply(const Watch& watch, const OperationPicture& picture, bool late) const {
    if (picture.state == OperationState::Running && late && !watch.once)
      return service_.errorReply(
          Error(Kind::TimedOut, fmt::format("operation {} is still running", picture.id)),
          picture.id);
    if (picture.error && watch.failureIsError && !watch.once)
      return service_.errorReply(*picture.error, picture.id);
    return finalReply(watch.reply(picture));
  }

  awaitable<void> follow(const Follow& follow) {
    co_await write(replyThatContinues(follow.first));
    asio::steady_timer timer(descriptor_.get_executor());
    while (!isGone()) {
      while (auto next = co_await nextOnWorker(follow))
        co_await write(replyThatContinues(std::move(*next)));
      timer.expires_after(kFollowStep);
      co_await timer.async_wait(use_awaitable);
    }
  }

  awaitable<std::optional<Json>> nextOnWorker(const Follow& follow) {
    co_return co_await asio::co_spawn(
        workers_.quick, [&follow]() -> awaitable<std::optional<Json>> { co_return follow.next(); },
        use_awaitable);
  }

  bool isGone() const {
    char byte;
    return ::recv(const_cast<Session*>(this)->descriptor_.native_handle(), &byte, 1,
                  MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  // A wake-up that other threads may send to this coroutine.
  struct Changes {
    explicit Changes(const asio::any_io_executor& executor) : timer(executor) {}

    // Only the loop's thread ever holds on to it: it must not come to be destroyed on another.
    static Operation::Observer announcing(const std::shared_ptr<Changes>& changes) {
      return [executor = changes->timer.get_executor(), weak = std::weak_ptr(changes)] {
        asio::post(executor, [weak] {
          const auto still = weak.lock();
          if (!still) return;
          ++still->seen;
          still->timer.cancel();
        });
      };
    }
    awaitable<void> wait(Deadline deadline) {
      timer.expires_at(deadline);
      std::error_code ignored;  // cancelled is what we wait for
      co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
    }

    asio::steady_timer timer;
    int seen = 0;
  };

  Workers& workers_;
  const Service& service_;
  std::string user_;
  Descriptor descriptor_;
  FrameReader frames_{kServerFrameLimit};
  std::shared_ptr<int> connections_;
};

}  // namespace

Server::Server(asio::io_context& loop, const Service& service, Fd listening)
    : loop_(loop), service_(service), listening_(loop, listening.release()) {
  asio::co_spawn(loop_, accept(), asio::detached);
}

Server::~Server() {
  workers_.quick.join();
  workers_.slow.join();
}

void Server::stop() { listening_.close(); }

awaitable<void> Server::accept() {
  asio::steady_timer pause(loop_);
  try {
    for (;;) {
      co_await listening_.async_wait(Descriptor::wait_read, use_awaitable);
      Fd socket(
          ::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket) {
        const int error = errno;
        if (error == EAGAIN || error == ECONNABORTED) continue;
        log::warning("cannot accept a connection: {}, ignoring",
                     systemError(error, "accept").text());
        if (!isShortage(error)) continue;
        // The caller stays in the queue and the socket readable: without a pause this would spin.
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(use_awaitable);
        continue;
      }
      const uid_t caller = callerOf(socket.get());
      // Closed at once: the client sees the end of file.
      if (*connections_ >= kMaxConnections - (caller == 0 ? 0 : kForRoot)) continue;
      const auto session = std::make_shared<Session>(loop_, workers_, service_, std::move(socket),
                                                     caller, connections_);
      asio::co_spawn(
          loop_, [session] { return session->run(); }, asio::detached);
    }
  } catch (const std::system_error&) {
    // stop() closed the socket.
  }
}

Fd listenAt(const std::string& path, const std::string& group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw invalid("the socket path '{}' is longer than {} bytes", path,
                  sizeof address.sun_path - 1);
  path.copy(address.sun_path, path.size());
  const auto* plain = reinterpret_cast<const sockaddr*>(&address);
  {
    const Fd probe(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket"));
    if (::connect(probe.get(), plain, sizeof address) == 0)
      throw Error(Kind::Busy, fmt::format("another vsd answers at '{}'", path));
  }
  removeFile(path);
  Fd socket(
      check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "make a socket"));
  const mode_t before = ::umask(0117);
  const int bound = ::bind(socket.get(), plain, sizeof address);
  const int saved = errno;
  ::umask(before);
  if (bound < 0) throw systemError(saved, fmt::format("bind '{}'", path));
  if (const struct group* entry = ::getgrnam(group.c_str()))
    check(::chown(path.c_str(), 0, entry->gr_gid), "give '{}' to the group '{}'", path, group);
  else
    log::warning("there is no group '{}': only root may use '{}', ignoring", group, path);
  check(::listen(socket.get(), 128), "listen at '{}'", path);
  return socket;
}

}  // namespace vs::api
