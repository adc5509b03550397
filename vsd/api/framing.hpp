// Varlink's framing on a stream socket: messages end with a NUL byte and may carry descriptors.
// Shared by the client and the server. Nothing here reads or writes: bytes and descriptors are
// pushed in as they were received, whole messages are popped out.
//
// Bounds: a message of more than the limit, or with more than kMaxFds descriptors, throws; the
// connection cannot be used further then. Whoever pops everything after each push holds at most one
// unfinished message and what one read brought.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/base/json.hpp"

namespace vs::api {

inline constexpr std::size_t kServerFrameLimit = 1U << 20;   // bytes of a call
inline constexpr std::size_t kClientFrameLimit = 16U << 20;  // bytes of a reply
inline constexpr std::size_t kReadSize = 64U << 10;          // a good size for one receive

struct Frame {
  std::string text;  // without the NUL
  std::vector<Fd> fds;
};

class FrameReader {
 public:
  explicit FrameReader(std::size_t limit) : limit_(limit) {}

  // Takes what one recvmsg(2) brought. Throws InvalidParameter when a bound is exceeded.
  void push(std::string_view bytes, std::vector<Fd> fds = {});
  // The oldest whole message; nullopt when there is none yet.
  std::optional<Frame> pop();
  // True when the far side may close without cutting a message short.
  bool isAtBoundary() const { return partial_.text.empty() && partial_.fds.empty(); }

 private:
  void append(std::string_view bytes);

  std::size_t limit_;
  Frame partial_;
  std::deque<Frame> ready_;
};

// What to do with text that is not UTF-8: the client refuses (it would ask for something else than
// was meant), the server replaces (a reply should still arrive).
enum class BadText { Refuse, Replace };

// The bytes of one message, NUL included. Throws InvalidParameter on refused text.
std::string encodeFrame(const Json& message, BadText badText);

}  // namespace vs::api
