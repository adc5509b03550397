#include "vsd/kernel/talk.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

TEST(Talk, CarriesAMessageAndADescriptor) {
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  FdPair pipe = makePipe();
  sendTalk(pair.first.get(), {.type = TalkType::Failed, .stage = 3, .value = -5});
  sendTalk(pair.first.get(), {.type = TalkType::Terminal}, pipe.second.get());
  const auto failed = receiveTalk(pair.second.get(), Millis(1000));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->message.stage, 3);
  EXPECT_EQ(failed->message.value, -5);
  EXPECT_FALSE(failed->fd);
  const auto terminal = receiveTalk(pair.second.get(), Millis(1000));
  ASSERT_TRUE(terminal && terminal->fd);
  writeAll(terminal->fd.get(), "x", "the pipe");
  EXPECT_TRUE(waitReadable(pipe.first.get(), Millis(0)));
}

TEST(Talk, EndsWhenTheOtherSideCloses) {
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  pair.first.reset();
  EXPECT_FALSE(receiveTalk(pair.second.get(), Millis(1000)));
  EXPECT_THROW(sendTalk(pair.second.get(), {.type = TalkType::Go}), Error);
}

TEST(Talk, RefusesWhatIsNoMessage) {
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  ASSERT_EQ(::send(pair.first.get(), "hello", 5, 0), 5);
  EXPECT_THROW(receiveTalk(pair.second.get(), Millis(1000)), Error);
}

TEST(Talk, WaitsOnlySoLong) {
  FdPair pair = makeSocketPair(SOCK_SEQPACKET);
  try {
    receiveTalk(pair.second.get(), Millis(20));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::TimedOut);
  }
}

}  // namespace
}  // namespace vs
