#include "checkpoint/criu.hpp"

#include <fcntl.h>

#include <exception>

#include "checkpoint/criu_log.hpp"
#include "checkpoint/criu_rpc.pb.h"
#include "checkpoint/requests.hpp"
#include "vsd/base/error.hpp"

namespace vs::checkpoint {
namespace {

constexpr std::size_t kMaxMessage = 64U << 10;
constexpr std::size_t kMaxLog = 64U << 20;

Stage stageOf(const std::string& script) {
  if (script == "setup-namespaces") return Stage::SetupNamespaces;
  if (script == "orphan-pts-master") return Stage::ConsoleMaster;
  if (script == "post-restore") return Stage::PostRestore;
  if (script == "pre-resume") return Stage::PreResume;
  if (script == "post-dump") return Stage::PostDump;
  return Stage::Other;
}

// What its log says went wrong first; nothing when there is none.
std::string firstErrorIn(int directory, const std::string& log) {
  const Fd file(::openat(directory, log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return {};
  try {
    return firstError(readAll(file.get(), kMaxLog, "the log of criu"));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

Reply ask(int socket, const std::string& request, const Listener& listener, Millis patience,
          int logDirectory, const std::string& log) {
  sendWithFds(socket, request, {});
  std::exception_ptr refusal;
  for (;;) {
    if (!waitReadable(socket, patience))
      throw Error(Kind::TimedOut,
                  fmt::format("criu has said nothing for {}", formatDuration(patience)));
    Received received = receiveWithFds(socket, kMaxMessage);
    rpc::Response response;
    if (received.bytes.empty() || !response.ParseFromString(received.bytes)) {
      if (refusal) std::rethrow_exception(refusal);
      const std::string why = firstErrorIn(logDirectory, log);
      throw failed("criu ended without an answer{}{}", why.empty() ? "" : ": ", why);
    }
    if (response.type() != rpc::NOTIFY) {
      if (refusal) std::rethrow_exception(refusal);
      if (response.success()) return {response.restore().pid()};
      const std::string why = firstErrorIn(logDirectory, log);
      throw failed("{}", !why.empty()                   ? why
                         : response.cr_errmsg().empty() ? "criu gave no reason"
                                                        : response.cr_errmsg());
    }
    Notification notification{stageOf(response.notify().script()), response.notify().pid(), {}};
    if (!received.fds.empty()) notification.fd = std::move(received.fds.front());
    try {
      if (!refusal) listener(notification);
    } catch (...) {
      refusal = std::current_exception();
    }
    sendWithFds(socket, encodeAnswer(!refusal), {});
  }
}

}  // namespace vs::checkpoint
