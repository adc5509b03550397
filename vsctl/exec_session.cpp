#include "vsctl/exec_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <set>

#include "vsctl/exit_code.hpp"
#include "vsctl/pump.hpp"
#include "vsctl/session.hpp"
#include "vsctl/terminal.hpp"
#include "vsctl/text.hpp"
#include "vsd/kernel/talk.hpp"

namespace vs::ctl {
namespace {

constexpr char kEndOfInput = 4;  // Ctrl-D, what a terminal takes for the end of input

Json parametersOf(const ExecRequest& request, int terminalFd) {
  Json parameters = {{"name", request.context}, {"command", request.command}};
  std::vector<std::string> environment = request.environment;
  if (request.terminal) {
    const winsize size = terminalSize(terminalFd);
    parameters["terminal"] = true;
    parameters["columns"] = size.ws_col;
    parameters["rows"] = size.ws_row;
    const char* type = std::getenv("TERM");
    if (type != nullptr) environment.insert(environment.begin(), fmt::format("TERM={}", type));
  }
  if (!environment.empty()) parameters["environment"] = environment;
  if (!request.directory.empty()) parameters["directory"] = request.directory;
  if (!request.user.empty()) parameters["user"] = request.user;
  return parameters;
}

// One run of a program: everything that one poll loop looks after.
class Exec {
 public:
  Exec(api::Client& client, const ExecRequest& request, const ExecStreams& streams)
      : client_(client),
        request_(request),
        streams_(streams),
        signals_({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) {}

  int run() {
    begin();
    while (!ended_) turn();
    return finish();
  }

 private:
  struct Plumbing {
    FdPair in, out, error;
  };

  void begin() {
    FdPair talk = makeSocketPair(SOCK_SEQPACKET);
    talk_ = std::move(talk.first);
    std::vector<int> fds = {talk.second.get()};
    Plumbing pipes;
    if (!request_.terminal) {
      pipes = {makePipe(), makePipe(), makePipe()};
      fds.insert(fds.end(),
                 {pipes.in.first.get(), pipes.out.second.get(), pipes.error.second.get()});
    }
    client_.send("Exec", parametersOf(request_, streams_.in), api::Client::Expect::One, fds);
    if (!request_.terminal) connectPipes(std::move(pipes));
  }

  void connectPipes(Plumbing pipes) {
    in_ = std::move(pipes.in.second);
    out_ = std::move(pipes.out.first);
    error_ = std::move(pipes.error.first);
    pumps_.emplace_back(streams_.in, in_.get(), [this] { in_.reset(); });
    pumps_.emplace_back(out_.get(), streams_.out, [this] { out_.reset(); });
    pumps_.emplace_back(error_.get(), streams_.error, [this] { error_.reset(); });
  }

  void connectTerminal(Fd master) {
    if (!master) throw failed("the helper sent no terminal");
    master_ = std::move(master);
    raw_.emplace(streams_.in);
    pumps_.emplace_back(streams_.in, master_.get(), [this] { endTerminalInput(); });
    pumps_.emplace_back(master_.get(), streams_.out, nullptr);
  }

  // Input that is no terminal ends while the program's terminal goes on.
  void endTerminalInput() {
    if (::write(master_.get(), &kEndOfInput, 1) < 0) return;
  }

  void turn() {
    // The daemon's answer, the conversation, signals, then two for each pump.
    std::array<pollfd, 9> waited{};
    waited[0] = {answered_ ? -1 : client_.fd(), POLLIN, 0};
    waited[1] = {talk_.get(), POLLIN, 0};
    waited[2] = {signals_.fd(), POLLIN, 0};
    std::size_t count = 3;
    for (const Pump& pump : pumps_) {
      waited[count++] = pump.wantedSource();
      waited[count++] = pump.wantedSink();
    }
    const int ready = ::poll(waited.data(), count, -1);
    if (ready < 0 && errno == EINTR) return;
    check(ready, "wait for the program");
    for (std::size_t i = 3; i < count; i += 2)
      pumps_[(i - 3) / 2].advance(waited[i], waited[i + 1]);
    if (waited[2].revents != 0) onSignal(signals_.next());
    if (waited[1].revents != 0) onTalk();
    if (waited[0].revents != 0) onAnswer();
  }

  // A daemon that goes away while the program runs is no trouble: the helper does not need it.
  void onAnswer() {
    try {
      if (client_.receiveSome()) answered_ = true;
    } catch (const Error&) {
      if (!running_) throw;
      answered_ = true;
    }
  }

  void onTalk() {
    std::optional<ReceivedTalk> received = receiveTalk(talk_.get(), Millis(0));
    if (!received) return onSilence();
    const Talk& message = received->message;
    switch (message.type) {
      case TalkType::Terminal:
        return connectTerminal(std::move(received->fd));
      case TalkType::Running:
        return onRunning();
      case TalkType::Failed:
        return onFailed(message);
      case TalkType::Ended:
        status_ = message.value;
        ended_ = true;
        return;
      default:
        return;
    }
  }

  // The helper is gone. When the daemon refused the call, its answer says why.
  void onSilence() {
    if (!answered_) client_.receive();
    throw failed("exec in '{}': vsd-guest ended without saying how the program did",
                 request_.context);
  }

  void onRunning() {
    running_ = true;
    for (const int number : early_) forward(number);
    early_.clear();
  }

  void onFailed(const Talk& message) {
    raw_.reset();
    const auto stage = static_cast<ExecStage>(message.stage);
    const bool isKnown = message.stage < static_cast<std::uint8_t>(ExecStage::Count_);
    std::string why(isKnown ? describe(stage) : "unknown stage");
    if (message.value != 0) why += fmt::format(": {}", std::strerror(message.value));
    printError(fmt::format("vsctl: error: exec '{}' in '{}': {}\n",
                           cleanLine(request_.command.front()), request_.context, why));
    status_ = stage == ExecStage::NotFound        ? kExecNotFound
              : stage == ExecStage::NotExecutable ? kExecNotRunnable
                                                  : kExecFailed;
    ended_ = true;
  }

  void onSignal(int number) {
    if (number == SIGWINCH) return resize();
    if (running_) return forward(number);
    // The program gets it as soon as it runs; who asks again does not want to wait for that. The
    // helper sees us go and takes back what it has begun.
    if (early_.contains(number)) {
      status_ = 128 + number;  // as shells say it
      ended_ = true;
    }
    early_.insert(number);
  }

  void forward(int number) {
    try {
      sendTalk(talk_.get(), {.type = TalkType::Signal, .value = number});
    } catch (const Error&) {
      // The helper has just ended: its last message is still to be read.
    }
  }

  void resize() {
    if (!master_) return;
    const winsize size = terminalSize(streams_.in);
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
  }

  // The program's own output is complete in the pipes when it has ended; what its children may
  // write later is not waited for.
  int finish() {
    if (!pumps_.empty()) pumps_[1].drain();
    if (pumps_.size() > 2) pumps_[2].drain();
    return status_;
  }

  api::Client& client_;
  const ExecRequest& request_;
  const ExecStreams& streams_;
  SignalReader signals_;
  std::optional<RawTerminal> raw_;
  Fd talk_;
  Fd in_, out_, error_;  // our ends of the program's pipes
  Fd master_;            // of its terminal
  std::vector<Pump> pumps_;
  std::set<int> early_;  // signals that came before the program ran
  bool answered_ = false;
  bool running_ = false;
  bool ended_ = false;
  int status_ = kExecFailed;
};

}  // namespace

int execute(api::Client& client, const ExecRequest& request, const ExecStreams& streams) {
  return Exec(client, request, streams).run();
}

}  // namespace vs::ctl
