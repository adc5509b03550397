// What descriptors can lead to: events, files in every state, terminals, mounts; and what a process
// is.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

int create(const std::string& path, const std::string& text) {
  const int fd = must(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600), "create " + path);
  must(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write " + path);
  return fd;
}

std::string contentOf(int fd) {
  char bytes[256];
  const ssize_t count = must(::pread(fd, bytes, sizeof bytes, 0), "read a file");
  return {bytes, static_cast<std::size_t>(count)};
}

pid_t sleeper() {
  const pid_t child = must(::fork(), "fork");
  if (child != 0) return child;
  ::signal(SIGTERM, SIG_DFL);
  for (;;) ::pause();
}

// The next event, 0 when there is none for two seconds. A program that has been stopped is told so
// by epoll_wait (signal(7)).
std::uint64_t nextOf(int epoll) {
  epoll_event event{};
  for (int i = 0; i < 20; ++i) {
    const int count = ::epoll_wait(epoll, &event, 1, 100);
    if (count == 1) return event.data.u64;
    must(count == 0 || errno == EINTR, "wait by epoll");
  }
  return 0;
}

void refuse(int syscall, int errnoValue) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(syscall), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(errnoValue)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges");
  must(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "install a filter");
}

}  // namespace

void events(const std::string& directory, const std::function<void()>& ready) {
  const int epoll = must(::epoll_create1(0), "make an epoll instance");
  const int counter = must(::eventfd(5, EFD_NONBLOCK), "make an eventfd");
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const int signals = must(::signalfd(-1, &set, SFD_NONBLOCK), "make a signalfd");
  ::kill(::getpid(), SIGUSR2);  // waits there, through everything
  const std::string watched = directory + "/watched";
  ::mkdir(watched.c_str(), 0700);
  const int watch = must(::inotify_init1(IN_NONBLOCK), "make an inotify instance");
  must(::inotify_add_watch(watch, watched.c_str(), IN_CREATE | IN_DELETE), "watch a directory");
  const pid_t child = sleeper();
  const int process = static_cast<int>(must(::syscall(SYS_pidfd_open, child, 0), "open a pidfd"));
  const int memory = must(::memfd_create("vsload", MFD_ALLOW_SEALING), "memfd");
  must(::write(memory, "in memory", 9) == 9, "write into a memfd");
  must(::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK), "seal a memfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0x1234567890ULL;
  must(::epoll_ctl(epoll, EPOLL_CTL_ADD, watch, &event), "watch by epoll");
  event.data.u64 = 42;
  must(::epoll_ctl(epoll, EPOLL_CTL_ADD, process, &event), "watch by epoll");
  int lost = 0;
  ready();
  repeat(10, [&] {
    const std::uint64_t one = 1;
    std::uint64_t value = 0;
    must(::write(counter, &one, sizeof one) == sizeof one, "count up");
    must(::read(counter, &value, sizeof value) == sizeof value && value >= 1, "count down");
    const std::string file = watched + "/file";
    ::close(create(file, "x"));
    must(::unlink(file.c_str()), "remove a file");
    const std::uint64_t next = nextOf(epoll);
    must(next == 0x1234567890ULL || next == 0, "epoll tells of something else");
    alignas(inotify_event) char buffer[4096];
    const ssize_t count = next == 0 ? 0 : ::read(watch, buffer, sizeof buffer);
    must(count >= 0 || errno == EAGAIN, "read what happened");
    // Events that lie unread are lost when their queue is saved; the watch goes on.
    if (count <= 0) must(++lost < 20, "a directory is not watched any more");
  });
  signalfd_siginfo info{};
  must(::read(signals, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR2,
       "the signal that waited is gone");
  must(contentOf(memory) == "in memory", "a memfd has lost what it held");
  must((::fcntl(memory, F_GET_SEALS) & F_SEAL_SHRINK) != 0, "a memfd has lost its seal");
  must(::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0), "signal by a pidfd");
  must(nextOf(epoll) == 42, "the end of a child is not told by its pidfd");
  ::waitpid(child, nullptr, 0);
}

void files(const std::string& directory, const std::function<void()>& ready) {
  const int unlinked = create(directory + "/unlinked", "no name");
  must(::unlink((directory + "/unlinked").c_str()), "remove a file");
  // Opened by a name that is gone, while it has another.
  const std::string first = directory + "/first", second = directory + "/second";
  ::unlink(second.c_str());
  const int renamed = create(first, "other name");
  must(::link(first.c_str(), second.c_str()), "link a file");
  must(::unlink(first.c_str()), "remove a name");
  const int locked = create(directory + "/locked", "locked");
  must(::flock(locked, LOCK_EX | LOCK_NB), "lock a file");
  const int ranged = create(directory + "/ranged", std::string(64, '.'));
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = 10;
  range.l_len = 20;
  must(::fcntl(ranged, F_SETLK, &range), "lock a part of a file");
  const int appended = must(
      ::open((directory + "/log").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600), "log");
  const std::string gone = directory + "/gone";
  must(::mkdir(gone.c_str(), 0700) == 0 || errno == EEXIST, "make a directory");
  const int gap = must(::open(directory.c_str(), O_RDONLY | O_DIRECTORY), "open");
  std::uint64_t lines = 0;
  ready();
  repeat(10, [&] {
    must(contentOf(unlinked) == "no name", "a file without a name has lost what it held");
    must(contentOf(renamed) == "other name", "a file of another name has lost what it held");
    must(::write(appended, "line\n", 5) == 5, "append");
    ++lines;
    struct stat status {};
    must(::fstat(appended, &status), "look at a file");
    must(static_cast<std::uint64_t>(status.st_size) == 5 * lines,
         "lines were lost or written twice");
    must(::faccessat(gap, "log", F_OK, 0), "a directory leads elsewhere");
  });
  const pid_t child = must(::fork(), "fork");
  if (child == 0) {
    const int again = ::open((directory + "/locked").c_str(), O_RDWR);
    if (::flock(again, LOCK_EX | LOCK_NB) == 0) ::_exit(1);
    struct flock other {};
    other.l_type = F_WRLCK;
    other.l_start = 15;
    other.l_len = 1;
    const int same = ::open((directory + "/ranged").c_str(), O_RDWR);
    ::_exit(::fcntl(same, F_SETLK, &other) == 0 ? 2 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  must(status == 0, WEXITSTATUS(status) == 1 ? "a lock is gone" : "a lock of a range is gone");
  struct stat named {};
  must(::fstat(renamed, &named) == 0 && named.st_nlink == 1, "a file has gained or lost a name");
}

namespace {

// Adds to each number that is typed. No shell: that of busybox forgets the beginning of a line when
// a wait for the rest is interrupted, as being resumed interrupts it.
[[noreturn]] void answerLines() {
  char line[256];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, line, sizeof line - 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(1);
    line[count] = '\0';
    const std::string answer = std::to_string(std::atoi(line) + 1000000) + "\n";
    if (::write(STDOUT_FILENO, answer.data(), answer.size()) < 0) ::_exit(2);
  }
}

}  // namespace

void terminal(const std::string&, const std::function<void()>& ready) {
  int master = -1;
  const pid_t child = must(::forkpty(&master, nullptr, nullptr, nullptr), "pty");
  if (child == 0) {
    ::signal(SIGTERM, SIG_DFL);
    answerLines();
  }
  int number = 1000;
  const auto ask = [&] {
    ++number;
    const std::string line = std::to_string(number) + "\n";
    must(::write(master, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "type");
    const std::string wanted = std::to_string(number + 1000000);
    std::string heard;
    for (int i = 0; i < 500 && heard.find(wanted) == std::string::npos; ++i) {
      pollfd readable{master, POLLIN, 0};
      if (::poll(&readable, 1, 20) <= 0) continue;
      char bytes[512];
      const ssize_t count = ::read(master, bytes, sizeof bytes);
      must(count > 0, "read from a terminal");
      heard.append(bytes, static_cast<std::size_t>(count));
    }
    must(heard.find(wanted) != std::string::npos, "nobody answers behind the terminal");
  };
  ask();
  ready();
  repeat(50, ask);
  ask();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void credentials(const std::string&, const std::function<void()>& ready) {
  int orders[2], answers[2];
  must(::pipe(orders), "make a pipe");
  must(::pipe(answers), "make a pipe");
  const pid_t child = must(::fork(), "fork");
  if (child == 0) {
    ::signal(SIGTERM, SIG_IGN);
    must(::prctl(PR_CAPBSET_DROP, CAP_SYS_CHROOT, 0, 0, 0), "drop a capability");
    must(::prctl(PR_SET_NAME, "nobody's", 0, 0, 0), "take a name");
    must(::setresgid(65534, 65534, 65534), "change its group");
    must(::setresuid(65534, 65534, 65534), "change its user");
    refuse(SYS_getpriority, EXDEV);
    char order = 0;
    while (::read(orders[0], &order, 1) == 1) {
      char answer = 'y';
      errno = 0;
      if (::getuid() != 65534 || ::geteuid() != 65534 || ::getgid() != 65534) answer = 'u';
      if (::syscall(SYS_getpriority, 0, 0) >= 0 || errno != EXDEV) answer = 's';
      if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) answer = 'n';
      if (::prctl(PR_CAPBSET_READ, CAP_SYS_CHROOT, 0, 0, 0) != 0) answer = 'c';
      if (::write(answers[1], &answer, 1) != 1) ::_exit(1);
    }
    ::_exit(0);
  }
  const auto ask = [&] {
    char answer = 0;
    must(::write(orders[1], "?", 1) == 1, "ask the child");
    must(::read(answers[0], &answer, 1) == 1, "hear the child");
    must(answer != 'u', "the child has another user");
    must(answer != 's', "the child has lost its filter");
    must(answer != 'n', "the child could gain privileges");
    must(answer != 'c', "the child has a capability that it dropped");
  };
  ask();
  ready();
  repeat(20, ask);
  ask();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void mounts(const std::string& directory, const std::function<void()>& ready) {
  const std::string place = directory + "/mount", bind = directory + "/bind";
  ::mkdir(place.c_str(), 0700);
  ::mkdir(bind.c_str(), 0700);
  must(::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=4m"), "mount a tmpfs");
  ::mkdir((place + "/deep").c_str(), 0700);
  const int inside = create(place + "/deep/file", "on a tmpfs");
  must(::symlink("deep/file", (place + "/link").c_str()), "make a link");
  must(::mount((place + "/deep").c_str(), bind.c_str(), nullptr, MS_BIND, nullptr), "bind a mount");
  ready();
  repeat(50, [&] {
    must(contentOf(inside) == "on a tmpfs", "an open file of a tmpfs has lost what it held");
    for (const std::string& path : {place + "/link", bind + "/file"}) {
      const int fd = must(::open(path.c_str(), O_RDONLY), "open " + path);
      must(contentOf(fd) == "on a tmpfs", path + " has lost what it held");
      ::close(fd);
    }
  });
  ::close(inside);
  must(::umount2(bind.c_str(), 0), "unmount a bind");
  must(::umount2(place.c_str(), 0), "unmount a tmpfs");
}

// Sessions, groups, a stopped process, one that has ended and is not waited for, an orphan.
void processes(const std::string&, const std::function<void()>& ready) {
  const pid_t leader = sleeper();
  must(::setpgid(leader, leader), "make a group");
  const pid_t stopped = sleeper();
  must(::kill(stopped, SIGSTOP), "stop a process");
  must(::waitpid(stopped, nullptr, WUNTRACED) == stopped, "see it stop");
  const pid_t zombie = must(::fork(), "fork");
  if (zombie == 0) ::_exit(23);
  const pid_t session = must(::fork(), "fork");
  if (session == 0) {
    ::setsid();
    ::signal(SIGTERM, SIG_DFL);
    for (;;) ::pause();
  }
  pauseFor(100);
  ready();
  repeat(50, [&] {
    must(::getpgid(leader) == leader, "a process has left its group");
    must(::getsid(session) == session, "a process has left its session");
    must(::kill(stopped, 0), "the stopped process is gone");
  });
  must(::kill(stopped, SIGCONT), "let it go on");
  must(::waitpid(stopped, nullptr, WCONTINUED) == stopped, "see it go on");
  int status = 0;
  must(::waitpid(zombie, &status, 0) == zombie && WEXITSTATUS(status) == 23,
       "how a child ended is forgotten");
  for (const pid_t child : {leader, stopped, session}) {
    ::kill(child, SIGKILL);
    must(::waitpid(child, nullptr, 0) == child, "wait for a child");
  }
}

}  // namespace vs::workload
