#include "vsd/ops/exec.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

constexpr std::size_t kMaxLogRead = 4U << 20;

ContextPicture needRunning(const Host& host, const std::string& name) {
  ContextPicture context = host.contexts.find(name);
  if (!context.running || !canExec(context.state))
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {}, not running", name, nameOf(context.state)))
        .withHint(context.state == State::Frozen
                      ? fmt::format("let it go on with 'vsctl thaw {}'", name)
                      : fmt::format("start it with 'vsctl start {}'", name));
  return context;
}

void needSocket(const Fd& fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (!fd || ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
      type != SOCK_SEQPACKET)
    throw invalid("exec needs a SOCK_SEQPACKET socket as its first descriptor");
}

// Pipes and sockets only: a file or terminal of the host would be within reach of the context.
void needPipe(const Fd& fd, std::string_view which) {
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) < 0 ||
      !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
    throw invalid("exec takes only a pipe or socket as {}", which);
}

LogPart readPart(const std::string& path, std::uint64_t from) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return {};
  struct stat status {};
  check(::fstat(fd.get(), &status), "look at '{}'", path);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  LogPart part;
  part.end = size;
  if (from > size) from = 0;
  if (size - from > kMaxLogRead) from = size - kMaxLogRead;
  part.text.resize(size - from);
  const ssize_t got =
      check(::pread(fd.get(), part.text.data(), part.text.size(), static_cast<off_t>(from)),
            "read '{}'", path);
  part.text.resize(static_cast<std::size_t>(got));
  return part;
}

std::string lastLines(std::string text, std::size_t lines) {
  std::size_t at = text.size();
  if (at > 0 && text[at - 1] == '\n') --at;
  for (; lines > 0 && at > 0; --lines) {
    const std::size_t before = text.rfind('\n', at - 1);
    if (before == std::string::npos) return text;
    at = before;
  }
  return at == 0 ? text : text.substr(at + 1);
}

}  // namespace

pid_t exec(const Host& host, const ExecRequest& request) {
  const ContextPicture context = needRunning(host, request.context);
  needSocket(request.talk);
  ExecPlan plan = request.plan;
  if (plan.argv.empty() || plan.argv[0].empty())
    throw invalid("exec in '{}': no command was given", request.context);
  plan.confinement = confinementOf(isolationOf(context.definition));
  const ExecPlaces places(host, context);
  ExecSession session = places.session();
  session.talk = request.talk.get();
  if (!plan.terminal) {
    constexpr std::array<std::string_view, 3> kNames{"stdin", "stdout", "stderr"};
    for (std::size_t i = 0; i < 3; ++i) {
      needPipe(request.stdio[i], kNames[i]);
      session.stdio[i] = request.stdio[i].get();
    }
  }
  return startExec(host.guestProgram, plan, session).pid();
}

Fd openConsole(const Host& host, const std::string& name) {
  needRunning(host, name);
  const std::string path = host.paths.contextOf(name) + "/console.sock";
  // A name of 41 characters makes the path longer than sun_path may be with a test prefix: go by a
  // descriptor of its directory instead.
  const Fd directory = openFile(host.paths.contextOf(name), O_PATH | O_DIRECTORY);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/console.sock",
                   directory.get());
  Fd socket(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make a socket"));
  check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "attach to the console of context '{}'", name);
  return socket;
}

LogPart readLog(const Host& host, const std::string& name, std::size_t lines) {
  host.contexts.find(name);
  const std::string path = host.paths.logOf(name);
  LogPart part = readPart(path, 0);
  part.text = readPart(path + ".1", 0).text + part.text;
  if (lines > 0) part.text = lastLines(std::move(part.text), lines);
  return part;
}

LogPart readLogFrom(const Host& host, const std::string& name, std::uint64_t from) {
  return readPart(host.paths.logOf(name), from);
}

}  // namespace vs
