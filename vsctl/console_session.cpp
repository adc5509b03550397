#include "vsctl/console_session.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cctype>
#include <csignal>

#include "vsctl/terminal.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {
namespace {

constexpr std::size_t kInputSize = 4096;
constexpr std::size_t kMessageLimit = 128U << 10;

void sendSize(const Fd& console, int terminal) {
  if (::isatty(terminal) != 1) return;
  const winsize size = terminalSize(terminal);
  sendWithFds(console.get(), fmt::format("w{} {}", size.ws_col, size.ws_row), {});
}

enum class Input { Goes, Ended, DetachKey };

Input passInput(const Fd& console, int in, std::optional<char> detachKey) {
  char bytes[kInputSize];
  const ssize_t got = ::read(in, bytes, sizeof bytes);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Input::Goes;
  if (got <= 0) return Input::Ended;
  std::string_view typed(bytes, static_cast<std::size_t>(got));
  const std::size_t key = detachKey ? typed.find(*detachKey) : std::string_view::npos;
  typed = typed.substr(0, key);
  if (!typed.empty()) sendWithFds(console.get(), std::string("d").append(typed), {});
  return key == std::string_view::npos ? Input::Goes : Input::DetachKey;
}

// False when the console was closed.
bool passOutput(const Fd& console, int out) {
  const Received received = receiveWithFds(console.get(), kMessageLimit);
  if (received.bytes.empty()) return false;
  if (received.bytes[0] == 'd')
    writeAll(out, std::string_view(received.bytes).substr(1), "the console's output");
  return true;
}

}  // namespace

std::optional<char> parseDetachKey(std::string_view text) {
  if (text == "none") return std::nullopt;
  if (text.size() == 6 && text.starts_with("ctrl-")) {
    const int letter = std::toupper(static_cast<unsigned char>(text[5]));
    if (letter >= '@' && letter <= '_') return static_cast<char>(letter - '@');
  }
  throw invalid("--detach-key '{}' is no key", text)
      .withHint("write ctrl-] or ctrl- and a letter, or none");
}

ConsoleEnd relayConsole(const Fd& console, std::optional<char> detachKey, int in, int out) {
  SignalReader signals({SIGWINCH});
  const RawTerminal raw(in);
  sendSize(console, in);
  for (;;) {
    pollfd waited[] = {{console.get(), POLLIN, 0}, {in, POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    const int ready = ::poll(waited, 3, -1);
    if (ready < 0 && errno == EINTR) continue;
    check(ready, "wait for the console");
    try {
      if (waited[2].revents != 0 && signals.next() == SIGWINCH) sendSize(console, in);
      if (waited[0].revents != 0 && !passOutput(console, out)) return ConsoleEnd::Closed;
      if (waited[1].revents != 0 && passInput(console, in, detachKey) != Input::Goes)
        return ConsoleEnd::Detached;
    } catch (const Error& error) {
      if (error.errnoValue() != EPIPE && error.errnoValue() != ECONNRESET) throw;
      return ConsoleEnd::Closed;
    }
  }
}

}  // namespace vs::ctl
