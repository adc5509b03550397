// One direction of a byte relay: what can be read from one descriptor is written to another,
// without ever blocking on either, so that several pumps and signals share one poll(2).
//
// Descriptors are not switched to non-blocking, since they may be the user's (a terminal shared
// with the shell): a pump reads only when poll says so, and writes no more than poll(2) promises
// room for.
#pragma once

#include <poll.h>

#include <functional>
#include <span>
#include <string>

namespace vs::ctl {

class Pump {
 public:
  // What is to happen when nothing further can pass: the source has ended and everything is
  // written, or the sink takes no more. Typically a descriptor is closed.
  using OnEnd = std::function<void()>;
  Pump(int from, int to, OnEnd onEnd);

  bool isDone() const { return done_; }
  // What to poll for: the source and the sink, fd -1 where nothing is awaited.
  pollfd wantedSource() const;
  pollfd wantedSink() const;
  // Moves on, with what poll found.
  void advance(const pollfd& source, const pollfd& sink);
  // Moves everything that can be read now, without waiting for more, waiting for the sink.
  void drain();

 private:
  void fill();
  void flush();
  void end();

  int from_;
  int to_;
  OnEnd onEnd_;
  std::string buffer_;
  std::size_t written_ = 0;
  bool sourceEnded_ = false;
  bool done_ = false;
  bool sinkIsFile_ = false;  // never blocks: written whole
};

}  // namespace vs::ctl
