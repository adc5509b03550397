#include "vsd/base/process.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {

std::optional<std::uint64_t> startTimeOf(pid_t pid) {
  std::optional<std::string> text;
  try {
    text = readFileIfExists(fmt::format("/proc/{}/stat", pid));
  } catch (const Error& error) {
    if (error.errnoValue() == ESRCH) return std::nullopt;
    throw;
  }
  if (!text) return std::nullopt;
  // Field 2 is the command in parentheses and may itself hold ") "; fields are counted after the
  // last.
  std::size_t at = text->rfind(')');
  for (int field = 3; field <= 22 && at != std::string::npos; ++field) at = text->find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(text->c_str() + at + 1, nullptr, 10);
}

std::string hostName() {
  char name[256] = {};
  check(::gethostname(name, sizeof name - 1), "ask for this host's name");
  return name;
}

std::string bootId() {
  std::string id = readFile("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::optional<Process> Process::find(pid_t pid, std::uint64_t startTime) {
  if (pid <= 0) return std::nullopt;
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    if (errno == ESRCH || errno == EINVAL) return std::nullopt;
    throw systemError(errno, fmt::format("open process {}", pid));
  }
  // Read after the pidfd is held: the pid cannot be recycled between the two any more.
  if (startTimeOf(pid) != startTime) return std::nullopt;
  Process process(pid, std::move(pidfd));
  if (!process.isAlive()) return std::nullopt;
  return process;
}

bool Process::isAlive() const { return !waitEnd(Millis(0)); }

void Process::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) < 0 && errno != ESRCH)
    throw systemError(errno, fmt::format("send signal {} to process {}", number, pid_));
}

bool Process::waitEnd(Millis time) const { return waitReadable(pidfd_.get(), time); }

}  // namespace vs
