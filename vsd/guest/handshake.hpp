// The talk between vsd-guest and the processes it clones, over a SOCK_SEQPACKET pair that closes by
// itself when the child executes its program: the end of the talk without `Failed` is success.
//
//   run    guest -> init   Go           its ids are mapped
//          init  -> guest  Filesystem + mount, for each of them; Console + pty master
//          guest -> init   Device + mount, for each
//          guest -> init   Go           the root is built and entered
//          init  -> guest  Prepared     confined, only exec is left
//          guest -> init   Go           its start is recorded
//   exec   inner -> helper Started      host pid of the process that will execute (said by its
//   maker)
//          inner -> helper Console + pty master
//          inner -> helper Prepared     uid, gid it runs as
//          helper -> inner Go           its pipes belong to it
//   both   child -> parent Failed{stage, errno}   at any point, and then it is gone
#pragma once

#include <cstdint>

namespace vs::guest {

enum class NoteType : std::uint8_t {
  Closed,
  Go,
  Filesystem,
  Device,
  Console,
  Prepared,
  Started,
  Failed
};

struct Note {
  NoteType type = NoteType::Closed;
  std::uint8_t stage = 0;  // Failed
  std::int32_t value = 0;  // Failed: errno · Filesystem: which · Started: pid
  std::uint32_t uid = 0;   // Prepared
  std::uint32_t gid = 0;
  int fd = -1;  // of the receiver, who closes it; not part of what travels
};

// Neither allocates nor throws. False when the other side has gone.
bool say(int socket, const Note& note, int fd = -1) noexcept;
// Waits for the next note; Closed when the other side has gone.
Note hear(int socket) noexcept;

// Where a child stands, and the one way out of it when something fails.
template <typename StageName>
class Progress {
 public:
  explicit Progress(int socket) noexcept : socket_(socket) {}

  int socket() const noexcept { return socket_; }
  void enter(StageName stage) noexcept { stage_ = stage; }
  // A negative result is the end: {stage, errno} is said and the process exits.
  template <typename Integer>
  Integer must(Integer result) const noexcept;
  // The same for calls that return an errno.
  void mustBeZero(int errnoValue) const noexcept;
  [[noreturn]] void fail(int errnoValue) const noexcept;
  [[noreturn]] void fail(StageName stage, int errnoValue) noexcept {
    enter(stage);
    fail(errnoValue);
  }
  // Waits for Go; without it there is nobody left to work for.
  void awaitGo() const noexcept;

 private:
  int socket_;
  StageName stage_{};
};

[[noreturn]] void sayFailedAndExit(int socket, std::uint8_t stage, int errnoValue) noexcept;
[[noreturn]] void exitSilently() noexcept;
int lastError() noexcept;

template <typename StageName>
template <typename Integer>
Integer Progress<StageName>::must(Integer result) const noexcept {
  if (result < 0) fail(lastError());
  return result;
}

template <typename StageName>
void Progress<StageName>::mustBeZero(int errnoValue) const noexcept {
  if (errnoValue != 0) fail(errnoValue);
}

template <typename StageName>
void Progress<StageName>::fail(int errnoValue) const noexcept {
  sayFailedAndExit(socket_, static_cast<std::uint8_t>(stage_), errnoValue);
}

template <typename StageName>
void Progress<StageName>::awaitGo() const noexcept {
  if (hear(socket_).type != NoteType::Go) exitSilently();
}

}  // namespace vs::guest
