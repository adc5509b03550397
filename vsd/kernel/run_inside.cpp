#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/kernel/launch.hpp"

namespace vs {
namespace {

// One stream of the program; what is beyond the bound is read and dropped, so that it never blocks.
struct Stream {
  Fd fd;
  std::string bytes;

  void read(std::size_t limit) {
    char buffer[4096];
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return fd.reset();
    bytes.append(buffer, std::min(static_cast<std::size_t>(got), limit - bytes.size()));
  }
};

int statusOfFailure(const Talk& talk, std::string& err) {
  const auto stage = static_cast<ExecStage>(talk.stage);
  err = systemError(talk.value, std::string(describe(stage))).text();
  return exitCodeOf(stage);
}

int millisLeft(Deadline deadline) {
  const auto left = std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

}  // namespace

ExecResult runInside(const GuestProgram& program, const ExecPlan& plan, const ExecSession& session,
                     Millis time, std::size_t maxOutput) {
  const Deadline deadline = deadlineIn(time);
  FdPair talk = makeSocketPair(SOCK_SEQPACKET);
  FdPair out = makePipe();
  FdPair err = makePipe();
  const Fd null = openFile("/dev/null", O_RDWR);
  ExecSession inner = session;
  inner.talk = talk.second.get();
  inner.stdio = {null.get(), out.second.get(), err.second.get()};
  const Process helper = startExec(program, plan, inner);
  talk.second.reset();
  out.second.reset();
  err.second.reset();

  Stream streams[2] = {{std::move(out.first), {}}, {std::move(err.first), {}}};
  std::optional<int> status;
  ExecResult result;
  while (!status) {
    pollfd wanted[] = {{talk.first.get(), POLLIN, 0},
                       {streams[0].fd.get(), POLLIN, 0},
                       {streams[1].fd.get(), POLLIN, 0}};
    const int ready = ::poll(wanted, 3, millisLeft(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (check(ready, "wait for '{}'", plan.argv[0]) == 0) {
      sendTalk(talk.first.get(), {.type = TalkType::Signal, .value = SIGKILL});
      throw Error(Kind::TimedOut, fmt::format("'{}' inside took longer than {}", plan.argv[0],
                                              formatDuration(time)));
    }
    for (int i = 0; i < 2; ++i)
      if (wanted[i + 1].revents != 0) streams[i].read(maxOutput);
    if (wanted[0].revents == 0) continue;
    const std::optional<ReceivedTalk> said = receiveTalk(talk.first.get(), Millis(0));
    if (!said) throw failed("the helper of '{}' ended early", plan.argv[0]);
    if (said->message.type == TalkType::Ended) status = said->message.value;
    if (said->message.type == TalkType::Failed)
      status = statusOfFailure(said->message, streams[1].bytes);
  }
  // What the program wrote is in the pipes; what its own children may still write is not waited
  // for.
  for (Stream& stream : streams)
    while (stream.fd && waitReadable(stream.fd.get(), Millis(0))) stream.read(maxOutput);
  result.status = *status;
  result.out = std::move(streams[0].bytes);
  result.err = std::move(streams[1].bytes);
  return result;
}

}  // namespace vs
