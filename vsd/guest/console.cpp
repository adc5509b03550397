#include "vsd/guest/console.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::guest {
namespace {

constexpr std::size_t kChunk = 4096;
constexpr long kPauseNanoseconds = 50'000'000;
// One message of a client; the first byte is its kind.
char buffer[kChunk + 1];

constexpr const char* kSocketName = "console.sock";

// By a descriptor of its directory: the path itself may be longer than a socket's address can be.
Fd listenIn(const std::string& directory) {
  const Fd at = openFile(directory, O_PATH | O_DIRECTORY);
  const std::string path = fmt::format("/proc/self/fd/{}/{}", at.get(), kSocketName);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  removeFile(path);
  Fd listener(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                    "create a socket"));
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(before);
  check(bound, "listen on '{}/{}'", directory, kSocketName);
  check(::listen(listener.get(), 4), "listen on '{}/{}'", directory, kSocketName);
  return listener;
}

bool isOwnUser(int socket) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

ConsoleLog::ConsoleLog(std::string path, std::uint64_t limit)
    : path_(std::move(path)), oldPath_(path_ + ".1"), limit_(limit) {
  open();
}

void ConsoleLog::open() noexcept {
  size_ = 0;
  file_ = Fd();
  if (path_.empty()) return;
  file_ = Fd(::open(path_.c_str(),
                    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0640));
  struct stat status {};
  if (!file_ || ::fstat(file_.get(), &status) < 0) return;
  if (!S_ISREG(status.st_mode)) return file_.reset();
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void ConsoleLog::rotate() noexcept {
  if (::rename(path_.c_str(), oldPath_.c_str()) == 0) open();
}

void ConsoleLog::write(const char* bytes, std::size_t size) noexcept {
  if (size_ + size > limit_) rotate();
  if (!file_) return;
  const ssize_t written = ::write(file_.get(), bytes, size);
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
}

Console::Console(Fd master, ConsoleLog log, const std::string& stateDirectory)
    : master_(std::move(master)),
      log_(std::move(log)),
      socketPath_(stateDirectory + "/" + kSocketName),
      listener_(listenIn(stateDirectory)),
      timer_(check(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "make a timer")) {
  check(::fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK), "set up the console");
}

Console::~Console() { ::unlink(socketPath_.c_str()); }

// Tags: 0 the master, 1 the listener, 2 the timer, 3.. the clients.
void Console::watch(int epoll, std::uint32_t firstTag) {
  epoll_ = epoll;
  firstTag_ = firstTag;
  // Edge-triggered: a terminal whose other side nobody has open (systemd closes its console between
  // messages, vhangup(2) does the same) hangs up, and would say so for ever.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u32 = firstTag}};
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, master_.get(), &event), "watch the console");
  event = {.events = EPOLLIN, .data = {.u32 = firstTag + 1}};
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, listener_.get(), &event), "watch the console's socket");
  event = {.events = EPOLLIN, .data = {.u32 = firstTag + 2}};
  check(::epoll_ctl(epoll, EPOLL_CTL_ADD, timer_.get(), &event), "watch the console's timer");
}

void Console::handle(std::uint32_t tag) noexcept {
  const std::uint32_t which = tag - firstTag_;
  if (which == 0) return readMaster();
  if (which == 1) return accept();
  if (which == 2) return goOn();
  if (which - 3 < kMaxClients) readClient(which - 3);
}

void Console::drain() noexcept {
  allowance_ = kBurst;
  readMaster();
}

void Console::pause() noexcept {
  const itimerspec time{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = kPauseNanoseconds}};
  ::timerfd_settime(timer_.get(), 0, &time, nullptr);
}

void Console::goOn() noexcept {
  std::uint64_t expirations;
  if (::read(timer_.get(), &expirations, sizeof expirations) < 0) return;
  allowance_ = kBurst;
  readMaster();  // its readiness has been told already, and will not be again
}

void Console::readMaster() noexcept {
  while (allowance_ > 0) {
    const std::size_t size = fill();
    if (size == 0) return;
    allowance_ -= std::min(allowance_, size);
    log_.write(buffer + 1, size);
    buffer[0] = 'd';
    for (Fd& client : clients_)
      if (client && ::send(client.get(), buffer, size + 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
          errno != EAGAIN)
        client.reset();
  }
  pause();
}

// As much as there is, up to kChunk: a program may write two bytes at a time, and each message
// costs a client's socket far more than that.
std::size_t Console::fill() noexcept {
  std::size_t size = 0;
  while (size < kChunk) {
    const ssize_t got = ::read(master_.get(), buffer + 1 + size, kChunk - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // EAGAIN: all read. EIO: nobody has the other side open.
    size += static_cast<std::size_t>(got);
  }
  return size;
}

void Console::accept() noexcept {
  Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client || !isOwnUser(client.get())) return;
  for (std::size_t slot = 0; slot < kMaxClients; ++slot) {
    if (clients_[slot]) continue;
    epoll_event event{.events = EPOLLIN,
                      .data = {.u32 = firstTag_ + 3 + static_cast<std::uint32_t>(slot)}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.get(), &event) == 0)
      clients_[slot] = std::move(client);
    return;
  }
}

void Console::readClient(std::size_t slot) noexcept {
  Fd& client = clients_[slot];
  if (!client) return;
  const ssize_t got = ::recv(client.get(), buffer, kChunk, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return client.reset();
  buffer[got] = '\0';
  if (buffer[0] == 'w') return setSize(buffer + 1);
  // Input the context does not take is lost, as it would be on a serial line.
  if (buffer[0] == 'd' && ::write(master_.get(), buffer + 1, static_cast<std::size_t>(got) - 1) < 0)
    return;
}

void Console::setSize(const char* text) noexcept {
  char* end = nullptr;
  const unsigned long columns = std::strtoul(text, &end, 10);
  const unsigned long rows = std::strtoul(end, nullptr, 10);
  if (columns == 0 || columns > 4096 || rows == 0 || rows > 4096) return;
  const winsize size{.ws_row = static_cast<unsigned short>(rows),
                     .ws_col = static_cast<unsigned short>(columns),
                     .ws_xpixel = 0,
                     .ws_ypixel = 0};
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

}  // namespace vs::guest
