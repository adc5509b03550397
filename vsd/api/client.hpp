// The client half of the API: one connection to the daemon's socket, calls and their replies.
//
// Calls on one connection are answered in order, one after the other; whoever wants two at a time
// makes two clients. An error reply is thrown as CallError with everything the daemon said. A
// method is named as in io.vsd.varlink, "List"; a dotted name is sent as it is.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/api/framing.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/units.hpp"

namespace vs::api {

// An error reply. `operation` is the id of the operation that failed; empty when there is none.
class CallError : public Error {
 public:
  CallError(Error error, std::string operation)
      : Error(std::move(error)), operation_(std::move(operation)) {}
  const std::string& operation() const { return operation_; }

 private:
  std::string operation_;
};

// The error of a reply such as {"error": "io.vsd.NotFound", "parameters": {"message": ...}}.
CallError errorFrom(std::string_view name, const Json& parameters);

struct Reply {
  Json parameters;
  std::vector<Fd> fds;
  bool continues = false;  // more replies follow
};

// $VSD_SOCKET, or /run/vsd/vsd.sock.
std::string defaultSocketPath();

class Client {
 public:
  enum class Expect { One, Many };

  // Connects. Throws Denied when we may not, Failed when nobody listens, each with what to do.
  explicit Client(const std::string& socketPath);

  // Nothing waits beyond this moment: TimedOut is thrown. Without it, waiting has no end.
  void setDeadline(Deadline deadline) { deadline_ = deadline; }

  // Calls a method and waits for its reply.
  Reply call(std::string_view method, const Json& parameters, std::span<const int> fds = {});
  // Calls with `more`: every reply but the last goes to `onReply`, the last is returned.
  Reply callMore(std::string_view method, const Json& parameters,
                 const std::function<void(const Reply&)>& onReply);

  // The halves of a call, for callers that wait for other things too.
  void send(std::string_view method, const Json& parameters, Expect expect,
            std::span<const int> fds = {});
  Reply receive();
  // Waits until a reply is whole, `wakeFd` is readable (-1: none) or `time` is over; nullopt in the
  // last two cases.
  std::optional<Reply> receiveUnless(int wakeFd, Millis time);
  // Reads once what is there (call it when fd() is readable); nullopt when no reply is whole yet.
  std::optional<Reply> receiveSome();
  int fd() const { return socket_.get(); }

 private:
  std::optional<Reply> popReply();
  Millis timeLeft(Millis atMost) const;

  std::string path_;
  Fd socket_;
  FrameReader frames_{kClientFrameLimit};
  std::optional<Deadline> deadline_;
};

}  // namespace vs::api
