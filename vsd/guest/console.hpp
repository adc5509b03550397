// The console of a running context: everything it writes goes to the log and to whoever is
// attached, and what attached clients send goes to it. The context is never held up by a client:
// what one does not read in time it misses, and input the context does not read is discarded. A
// context that floods its console waits for it, as it would on a serial line: 64 KiB are read at a
// time, twenty times a second.
//
// Clients connect to stateDirectory/console.sock (SOCK_SEQPACKET, mode 0600, root only). Each
// message is 'd' and bytes, in both directions, or 'w' and "COLUMNS ROWS" towards us.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "vsd/base/fd.hpp"

namespace vs::guest {

// The log on disk: appended to, never followed through a link, and renamed to NAME.1 (replacing the
// former one) before it grows beyond its limit. A full disk loses lines, nothing else.
class ConsoleLog {
 public:
  ConsoleLog(std::string path, std::uint64_t limit);
  void write(const char* bytes, std::size_t size) noexcept;

 private:
  void open() noexcept;
  void rotate() noexcept;

  std::string path_;
  std::string oldPath_;
  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  Fd file_;
};

class Console {
 public:
  static constexpr std::size_t kMaxClients = 4;
  static constexpr std::size_t kBurst = 64UL * 1024;

  // `master` of the context's console; makes the socket in `stateDirectory`.
  Console(Fd master, ConsoleLog log, const std::string& stateDirectory);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Adds its descriptors to an epoll instance, with data from `firstTag` on.
  void watch(int epoll, std::uint32_t firstTag);
  // To be called for each event of ours with its data.
  void handle(std::uint32_t tag) noexcept;
  // Reads whatever the context has written and not been asked for yet.
  void drain() noexcept;

 private:
  void readMaster() noexcept;
  std::size_t fill() noexcept;
  void pause() noexcept;
  void goOn() noexcept;
  void accept() noexcept;
  void readClient(std::size_t slot) noexcept;
  void setSize(const char* text) noexcept;

  Fd master_;
  ConsoleLog log_;
  std::string socketPath_;
  Fd listener_;
  std::array<Fd, kMaxClients> clients_;
  Fd timer_;
  std::size_t allowance_ = kBurst;
  int epoll_ = -1;
  std::uint32_t firstTag_ = 0;
};

}  // namespace vs::guest
