#include "vsd/api/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

namespace vs::api {
namespace {

constexpr std::string_view kInterface = "io.vsd.";
constexpr Millis kForever{1'000'000'000};

std::string textOf(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int numberOf(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

std::vector<std::string> textsOf(const Json& object, const char* field) {
  std::vector<std::string> texts;
  const auto found = object.find(field);
  if (found == object.end() || !found->is_array()) return texts;
  for (const Json& text : *found)
    if (text.is_string()) texts.push_back(text.get<std::string>());
  return texts;
}

Error cannotConnect(int errnoValue, const std::string& path) {
  const std::string what = fmt::format("cannot reach the daemon at '{}'", path);
  if (errnoValue == EACCES || errnoValue == EPERM)
    return Error(Kind::Denied, what + ": no right to use it", errnoValue)
        .withHint(
            "run it as root, or add yourself to the group vsd "
            "('sudo adduser $USER vsd') and log in again");
  if (errnoValue == ENOENT || errnoValue == ECONNREFUSED)
    return Error(Kind::Failed, what + ": it does not run", errnoValue)
        .withHint(
            "start it with 'systemctl start vsd.socket'; "
            "'systemctl status vsd' says why it ended");
  return systemError(errnoValue, what);
}

Fd connectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    throw invalid("socket path '{}' is not between 1 and {} bytes long", path,
                  sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "create a socket"));
  int result;
  do result = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  while (result < 0 && errno == EINTR);
  if (result < 0) throw cannotConnect(errno, path);
  return socket;
}

Error connectionLost(const std::string& path) {
  return Error(Kind::Failed, fmt::format("the daemon at '{}' closed the connection", path))
      .withHint("'journalctl -u vsd' may say why; 'vsctl operation list' shows what still runs");
}

// The errors of org.varlink.service: the daemon does not know what we asked for.
CallError protocolError(std::string_view name, const Json& parameters) {
  if (name == "org.varlink.service.InvalidParameter")
    return {invalid("the daemon refuses the parameter '{}'", textOf(parameters, "parameter")), ""};
  const std::string method = textOf(parameters, "method");
  return {
      Error(Kind::Unsupported, method.empty()
                                   ? fmt::format("the daemon answers {}", name)
                                   : fmt::format("the daemon does not know the method {}", method))
          .withHint("the daemon may be older than this program; 'vsctl info' tells its version"),
      ""};
}

}  // namespace

CallError errorFrom(std::string_view name, const Json& parameters) {
  if (!name.starts_with(kInterface)) return protocolError(name, parameters);
  const std::string_view kindName = name.substr(kInterface.size());
  std::string message = textOf(parameters, "message");
  if (message.empty()) message = fmt::format("the daemon answers {}", kindName);
  Error error(kindFrom(kindName).value_or(Kind::Failed), std::move(message),
              numberOf(parameters, "errno"));
  error.withHint(textOf(parameters, "hint")).withStep(textOf(parameters, "step"));
  std::vector<std::string> reasons = textsOf(parameters, "problems");
  std::ranges::move(textsOf(parameters, "blockers"), std::back_inserter(reasons));
  error.withBlockers(std::move(reasons));
  return {std::move(error), textOf(parameters, "operation")};
}

std::string defaultSocketPath() {
  const char* path = std::getenv("VSD_SOCKET");
  return path != nullptr && *path != '\0' ? path : "/run/vsd/vsd.sock";
}

Client::Client(const std::string& socketPath) : path_(socketPath), socket_(connectTo(socketPath)) {}

Reply Client::call(std::string_view method, const Json& parameters, std::span<const int> fds) {
  send(method, parameters, Expect::One, fds);
  return receive();
}

Reply Client::callMore(std::string_view method, const Json& parameters,
                       const std::function<void(const Reply&)>& onReply) {
  send(method, parameters, Expect::Many);
  for (;;) {
    Reply reply = receive();
    if (!reply.continues) return reply;
    onReply(reply);
  }
}

void Client::send(std::string_view method, const Json& parameters, Expect expect,
                  std::span<const int> fds) {
  Json message = {{"method", method.find('.') == std::string_view::npos
                                 ? std::string(kInterface).append(method)
                                 : std::string(method)}};
  if (!parameters.is_null()) message["parameters"] = parameters;
  if (expect == Expect::Many) message["more"] = true;
  const std::string bytes = encodeFrame(message, BadText::Refuse);
  try {
    sendWithFds(socket_.get(), bytes, fds);
  } catch (const Error& error) {
    if (error.errnoValue() == EPIPE || error.errnoValue() == ECONNRESET)
      throw connectionLost(path_);
    throw;
  }
}

Reply Client::receive() {
  for (;;)
    if (auto reply = receiveUnless(-1, kForever)) return std::move(*reply);
}

std::optional<Reply> Client::receiveUnless(int wakeFd, Millis time) {
  const Deadline end = deadlineIn(time);
  for (;;) {
    if (auto reply = popReply()) return reply;
    const auto left = std::chrono::ceil<Millis>(end - std::chrono::steady_clock::now());
    pollfd waited[] = {{socket_.get(), POLLIN, 0}, {wakeFd, POLLIN, 0}};
    const int ready = ::poll(waited, 2, static_cast<int>(timeLeft(left).count()));
    if (ready < 0 && errno != EINTR) check(ready, "wait for the daemon");
    if (ready > 0 && waited[0].revents != 0) {
      if (auto reply = receiveSome()) return reply;
      continue;
    }
    if (ready > 0 || left <= Millis(0)) return std::nullopt;
    if (deadline_ && std::chrono::steady_clock::now() >= *deadline_)
      throw Error(Kind::TimedOut, "the daemon did not answer in time")
          .withHint("what was begun goes on; 'vsctl operation list' shows it");
  }
}

std::optional<Reply> Client::receiveSome() {
  Received received;
  try {
    received = receiveWithFds(socket_.get(), kReadSize);
  } catch (const Error& error) {
    if (error.errnoValue() == ECONNRESET) throw connectionLost(path_);
    throw;
  }
  if (received.bytes.empty()) throw connectionLost(path_);
  frames_.push(received.bytes, std::move(received.fds));
  return popReply();
}

std::optional<Reply> Client::popReply() {
  std::optional<Frame> frame = frames_.pop();
  if (!frame) return std::nullopt;
  Json message = parseJson(frame->text, "the daemon's reply");
  if (!message.is_object()) throw failed("the daemon's reply is not an object");
  Json parameters = message.value("parameters", Json::object());
  if (!parameters.is_object()) throw failed("the daemon's reply has no parameters object");
  if (message.contains("error")) throw errorFrom(textOf(message, "error"), parameters);
  const auto continues = message.find("continues");
  const bool more = continues != message.end() && *continues == true;
  return Reply{std::move(parameters), std::move(frame->fds), more};
}

Millis Client::timeLeft(Millis atMost) const {
  if (deadline_)
    atMost =
        std::min(atMost, std::chrono::ceil<Millis>(*deadline_ - std::chrono::steady_clock::now()));
  return std::max(atMost, Millis(0));
}

}  // namespace vs::api
