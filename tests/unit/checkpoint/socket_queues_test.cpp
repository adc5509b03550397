#include "checkpoint/socket_queues.hpp"

#include <gtest/gtest.h>

namespace vs::checkpoint {
namespace {

constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:0000000A 00:00000000 00000000     0\n"
    "   2: 0100007F:1F90 0100007F:C350 01 00000000:000000FF 01:00000013 00000000     0\n";

TEST(SocketQueues, CountsWhatWaitsAtListeningSocketsOnly) {
  EXPECT_EQ(waitingConnections(kTable), 3U + 10U);
}

TEST(SocketQueues, NetlinkSocketsWithSomethingUnread) {
  constexpr std::string_view kSockets =
      "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
      "0000000000000000 0   1234       00000001 0        0        0     2        0        4001\n"
      "0000000000000000 0   77         00000000 2560     0        0     2        0        4002\n"
      "0000000000000000 16  0          00000000 9        0        0     2        0        0\n"
      "0000000000000000 0   78\n";
  EXPECT_EQ(unreadNetlink(kSockets), std::set<std::uint64_t>{4002});
  EXPECT_TRUE(unreadNetlink("").empty());
}

TEST(SocketQueues, OfNothingAndOfDamageIsNone) {
  EXPECT_EQ(waitingConnections(""), 0U);
  EXPECT_EQ(waitingConnections("\n\n 0: 1 2 0A"), 0U);
  EXPECT_EQ(waitingConnections("   0: 0100007F:1F90 00000000:0000 0A 00000000"), 0U);
}

}  // namespace
}  // namespace vs::checkpoint
