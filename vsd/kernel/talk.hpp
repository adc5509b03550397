// Sending and receiving the messages of boot_plan.hpp over a SOCK_SEQPACKET socket: used by vsd,
// vsd-guest and vsctl alike.
#pragma once

#include <optional>

#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs {

struct ReceivedTalk {
  Talk message;
  Fd fd;  // with Go and Terminal
};

// The next message; nullopt when the other side has closed. Throws TimedOut when the time is over
// and InvalidParameter for bytes that are no message.
std::optional<ReceivedTalk> receiveTalk(int socket, Millis time);
// Throws when the other side has closed (EPIPE).
void sendTalk(int socket, const Talk& message, int fd = -1);

}  // namespace vs
