#include "vsd/base/runner.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"

namespace vs {
namespace {

constexpr Millis kPollStep{100};
constexpr Millis kTermGrace{2'000};

std::vector<char*> pointersTo(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct ChildSetup {
  std::array<int, 3> stdio;
  const std::vector<int>& inherited;
  char* const* argv;
  char* const* environment;
};

// Between vfork and exec: plain system calls only. Returns the errno of what failed.
int becomeProgram(const ChildSetup& setup) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it must not work on behind the back of the next vsd
  ::setpgid(0, 0);                     // ending the group ends what it started too
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int i = 0; i < 3; ++i)
    if (::dup2(setup.stdio[static_cast<std::size_t>(i)], i) < 0) return errno;
  // Ours are close-on-exec; those that a library opened may not be.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : setup.inherited)
    if (::fcntl(fd, F_SETFD, 0) < 0) return errno;
  ::execve(setup.argv[0], setup.argv, setup.environment);
  return errno;
}

// vfork: the child shares our memory until it has become the program, so its failure is simply
// there to be read, and starting it costs the same whatever size we are. Signals stay away
// meanwhile.
pid_t spawn(const Command& command, int in, int out, int err) {
  std::vector<std::string> variables{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
  variables.insert(variables.end(), command.environment.begin(), command.environment.end());
  const std::vector<char*> argv = pointersTo(command.argv);
  const std::vector<char*> environment = pointersTo(variables);
  const ChildSetup setup{{in, out, err}, command.inheritedFds, argv.data(), environment.data()};
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  volatile int failure = 0;
  const pid_t pid = ::vfork();
  if (pid == 0) {
    failure = becomeProgram(setup);
    ::_exit(127);
  }
  const int saved = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw systemError(saved, fmt::format("start '{}'", command.argv[0]));
  if (failure != 0) {
    ::waitpid(pid, nullptr, 0);
    throw systemError(failure, fmt::format("start '{}'", command.argv[0]));
  }
  return pid;
}

// Keeps the newest `limit` bytes and hands whole lines on as they come.
class Collector {
 public:
  Collector(Fd fd, std::size_t limit, std::function<void(std::string_view)> onLine)
      : fd_(std::move(fd)), limit_(limit), onLine_(std::move(onLine)) {}

  int fd() const { return fd_.get(); }
  const std::string& text() const { return text_; }

  void readSome() {
    char buffer[16384];
    const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return fd_.reset();
    const std::string_view bytes(buffer, static_cast<std::size_t>(got));
    text_ += bytes;
    if (text_.size() > limit_) text_.erase(0, text_.size() - limit_);
    if (onLine_) giveLines(bytes);
  }

 private:
  void giveLines(std::string_view bytes) {
    partial_ += bytes;
    for (std::size_t end; (end = partial_.find('\n')) != std::string::npos;) {
      onLine_(std::string_view(partial_).substr(0, end));
      partial_.erase(0, end + 1);
    }
    if (partial_.size() > 65536) partial_.clear();
  }

  Fd fd_;
  std::size_t limit_;
  std::function<void(std::string_view)> onLine_;
  std::string text_;
  std::string partial_;
};

// Ends the process group, kindly first, and reaps its leader.
void endGroup(pid_t pid, int pidfd) {
  ::kill(-pid, SIGTERM);
  waitReadable(pidfd, kTermGrace);
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string lastLines(std::string_view text, std::size_t count) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::size_t start = text.size();
  while (count > 0 && start > 0) {
    start = text.rfind('\n', start - 1);
    if (start == std::string_view::npos) start = 0;
    --count;
  }
  std::string lines(text.substr(start));
  lines.erase(0, lines.find_first_not_of('\n') == std::string::npos
                     ? lines.size()
                     : lines.find_first_not_of('\n'));
  std::replace(lines.begin(), lines.end(), '\n', ';');
  return lines;
}

}  // namespace

Output RealRunner::run(const Command& command) {
  FdPair in = makePipe();
  FdPair out = makePipe();
  FdPair err = makePipe();
  const int stdoutFd = command.stdoutFd >= 0 ? command.stdoutFd : out.second.get();
  const pid_t pid = spawn(command, in.first.get(), stdoutFd, err.second.get());
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  in.first.reset();
  out.second.reset();
  err.second.reset();
  ::fcntl(in.second.get(), F_SETFL, O_NONBLOCK);

  Collector stdoutText(std::move(out.first), command.maxOutput, nullptr);
  Collector stderrText(std::move(err.first), command.maxOutput, command.onErrorLine);
  std::string_view input = command.input;
  if (input.empty()) in.second.reset();
  const Deadline deadline = deadlineIn(command.deadline);

  for (bool ended = false; !ended || stdoutText.fd() >= 0 || stderrText.fd() >= 0;) {
    std::array<pollfd, 4> wanted{{{stdoutText.fd(), POLLIN, 0},
                                  {stderrText.fd(), POLLIN, 0},
                                  {ended ? -1 : pidfd.get(), POLLIN, 0},
                                  {in.second ? in.second.get() : -1, POLLOUT, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), static_cast<int>(kPollStep.count()));
    if (wanted[0].revents != 0) stdoutText.readSome();
    if (wanted[1].revents != 0) stderrText.readSome();
    if (wanted[3].revents != 0) {
      const ssize_t written = ::write(in.second.get(), input.data(), input.size());
      if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
      if (input.empty() || (written < 0 && errno != EAGAIN && errno != EINTR)) in.second.reset();
    }
    if (wanted[2].revents != 0) ended = true;
    // A daemon left behind may hold the pipes: after the command itself ended, silence is the end.
    else if (ended && ready == 0)
      break;
    if (ended) continue;
    if (command.isCancelled && command.isCancelled()) {
      endGroup(pid, pidfd.get());
      throw Error(Kind::Cancelled, fmt::format("'{}' was cancelled", command.argv[0]));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      endGroup(pid, pidfd.get());
      throw Error(Kind::TimedOut,
                  fmt::format("'{}' did not end within {}: {}", command.argv[0],
                              formatDuration(command.deadline), lastLines(stderrText.text(), 3)));
    }
  }
  return {reap(pid), stdoutText.text(), stderrText.text()};
}

Output Runner::mustRun(const Command& command, std::string_view what) {
  Output output = run(command);
  if (output.status != 0)
    throw failed("{}: {} exited with status {}: {}", what, command.argv.at(0), output.status,
                 lastLines(output.err.empty() ? output.out : output.err, 5));
  return output;
}

std::string findProgramIfAny(const std::string& name) {
  for (const char* directory :
       {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
    std::string path = directory + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

std::string findProgram(const std::string& name, std::string_view package) {
  std::string path = findProgramIfAny(name);
  if (path.empty())
    throw Error(Kind::Unsupported, fmt::format("the program '{}' is not installed", name))
        .withHint(fmt::format("apt install {}", package));
  return path;
}

}  // namespace vs
