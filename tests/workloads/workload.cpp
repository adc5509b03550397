// vsload NAME DIRECTORY: runs one workload; `vsload list` names them all.
// vsload hold NAME DIRECTORY: holds one thing for ever; writes NAME.held, or NAME.result with FAIL
// when the system does not give it; `vsload held` names them all.
#include "tests/workloads/workload.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace vs::workload {
namespace {

volatile sig_atomic_t over = 0;
std::string place;  // DIRECTORY/NAME
pid_t owner = 0;

void write(const std::string& suffix, const std::string& text) {
  const int fd = ::open((place + suffix).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) ::_exit(3);
  ::close(fd);
}

constexpr Workload kAll[] = {
    {"memory", memory},
    {"shared-memory", sharedMemory},
    {"threads", threads},
    {"timers", timers},
    {"pipes", pipes},
    {"unix-sockets", unixSockets},
    {"events", events},
    {"files", files},
    {"terminal", terminal},
    {"tcp", tcp},
    {"udp", udp},
    {"ipc", ipc},
    {"credentials", credentials},
    {"mounts", mounts},
    {"processes", processes},
};

int run(const Workload& workload, const std::string& directory) {
  place = directory + "/" + workload.name;
  owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = [](int) { over = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  workload.run(directory, [] { write(".ready", ""); });
  write(".result", "PASS\n");
  return 0;
}

int holdFor(const std::string& name, const std::string& directory) {
  place = directory + "/" + name;
  owner = ::getpid();
  if (!hold(name, directory)) return 2;
  write(".held", "");
  if (name == "dead-main-thread") ::syscall(SYS_exit, 0);
  for (;;) ::pause();
}

}  // namespace

void fail(const std::string& what) {
  const int error = errno;
  write(".result", "FAIL " + what + " (" + std::strerror(error) + ")\n");
  if (::getpid() != owner) ::kill(owner, SIGKILL);
  ::_exit(1);
}

bool isOver() { return over != 0; }

void pauseFor(int millis) {
  const timespec time{millis / 1000, (millis % 1000) * 1'000'000L};
  ::nanosleep(&time, nullptr);
}

void repeat(int pauseMillis, const std::function<void()>& step) {
  while (!isOver()) {
    step();
    pauseFor(pauseMillis);
  }
}

std::uint8_t byteAt(std::uint64_t position) {
  return static_cast<std::uint8_t>((position * 2654435761ULL) >> 13);
}

}  // namespace vs::workload

int main(int argc, char** argv) {
  using namespace vs::workload;
  if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
    for (const Workload& workload : kAll) std::puts(workload.name);
    return 0;
  }
  if (argc == 2 && std::strcmp(argv[1], "held") == 0) {
    for (const std::string& name : heldNames()) std::puts(name.c_str());
    return 0;
  }
  if (argc == 4 && std::strcmp(argv[1], "hold") == 0) return holdFor(argv[2], argv[3]);
  if (argc == 3)
    for (const Workload& workload : kAll)
      if (std::strcmp(argv[1], workload.name) == 0) return run(workload, argv[2]);
  std::fputs("vsload NAME DIRECTORY, vsload hold NAME DIRECTORY, or vsload list, held\n", stderr);
  return 2;
}
