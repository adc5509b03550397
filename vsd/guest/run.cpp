#include "vsd/guest/run.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/guest/memory.hpp"
#include "vsd/guest/monitor.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::guest {
namespace {

constexpr std::size_t kMaxPlan = 4U << 20;
constexpr Millis kPatience{120'000};  // for systemd to make the scope on a busy host

Fd awaitGo() {
  std::optional<ReceivedTalk> go = receiveTalk(kTalkFd, kPatience);
  if (!go || go->message.type != TalkType::Go || !go->fd)
    throw BootFailure{BootStage::Plan, ECONNABORTED};
  return std::move(go->fd);
}

void awaitLinks(pid_t init) {
  sendTalk(kTalkFd, {.type = TalkType::Prepared, .value = init});
  const std::optional<ReceivedTalk> go = receiveTalk(kTalkFd, kPatience);
  if (!go || go->message.type != TalkType::Go) throw BootFailure{BootStage::Links, ECONNABORTED};
}

Started start() {
  const Fd planFile(kPlanFd);
  const Fd root(kRootFd);
  const PreparedPlan prepared(decodeBootPlan(readAll(kPlanFd, kMaxPlan, "the boot plan")));
  sendTalk(kTalkFd, {.type = TalkType::Ready});
  const Fd payload = awaitGo();
  const BootPlan& plan = prepared.plan;
  return {boot(prepared, root.get(), payload.get(), awaitLinks), plan.stateDirectory,
          plan.consoleLog, plan.consoleLogLimit};
}

// Makes the console of a context that runs; one without console is not left running.
std::unique_ptr<Console> openConsole(Started& started) {
  try {
    return std::make_unique<Console>(std::move(started.context.console),
                                     ConsoleLog(started.consoleLog, started.consoleLogLimit),
                                     started.stateDirectory);
  } catch (const Error& error) {
    started.context.init.signal(SIGKILL);
    ::waitpid(started.context.init.pid(), nullptr, 0);
    removeFile(started.stateDirectory + "/running");
    throw BootFailure{BootStage::Console, error.errnoValue()};
  }
}

void sayIfHeard(const Talk& message) {
  try {
    sendTalk(kTalkFd, message);
  } catch (const Error&) {
    // vsd has gone; it finds the context by its record when it comes back.
  }
}

int run(Started (*start)()) {
  const Fd signals = holdSignals();
  Started started = start();
  const std::unique_ptr<Console> console = openConsole(started);
  releaseStartupMemory();
  sayIfHeard({.type = TalkType::Running, .value = started.context.init.pid()});
  ::close(kTalkFd);
  monitor(std::move(started.context), *console, signals, started.stateDirectory);
  return 0;
}

int reportFailure(BootStage stage, int errnoValue) {
  sayIfHeard(
      {.type = TalkType::Failed, .stage = static_cast<std::uint8_t>(stage), .value = errnoValue});
  return 1;
}

}  // namespace

int monitorStarted(Started (*start)()) {
  try {
    return run(start);
  } catch (const BootFailure& failure) {
    return reportFailure(failure.stage, failure.errnoValue);
  } catch (const Error& error) {
    return reportFailure(BootStage::Plan, error.errnoValue() != 0 ? error.errnoValue() : EINVAL);
  } catch (const std::exception&) {
    return reportFailure(BootStage::Plan, ENOMEM);
  }
}

int runMode() { return monitorStarted(start); }

}  // namespace vs::guest
