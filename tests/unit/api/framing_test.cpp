#include "vsd/api/framing.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <string_view>

#include "vsd/base/error.hpp"

namespace vs::api {
namespace {
using namespace std::string_view_literals;

std::vector<std::string> popAll(FrameReader& reader) {
  std::vector<std::string> texts;
  while (auto frame = reader.pop())
    texts.push_back(frame->text + "+" + std::to_string(frame->fds.size()));
  return texts;
}

std::vector<Fd> someFds(int count) {
  std::vector<Fd> fds;
  for (int i = 0; i < count; ++i) fds.push_back(makeSealedFile("test", "x"));
  return fds;
}

using Texts = std::vector<std::string>;

TEST(FrameReader, CutsTheStreamAtNulBytesWhereverTheReadsEnd) {
  FrameReader reader(100);
  reader.push("{\"a\""sv);
  EXPECT_EQ(popAll(reader), Texts{});
  EXPECT_FALSE(reader.isAtBoundary());
  reader.push(":1}\0{}\0{"sv);
  EXPECT_EQ(popAll(reader), (Texts{"{\"a\":1}+0", "{}+0"}));
  reader.push("}\0"sv);
  EXPECT_EQ(popAll(reader), Texts{"{}+0"});
  EXPECT_TRUE(reader.isAtBoundary());
}

TEST(FrameReader, GivesDescriptorsToTheMessageOfTheLastByteReceived) {
  FrameReader reader(100);
  reader.push("a\0b\0"sv, someFds(2));
  EXPECT_EQ(popAll(reader), (Texts{"a+0", "b+2"}));
  reader.push("c\0d"sv, someFds(1));
  reader.push("d\0e\0"sv);
  EXPECT_EQ(popAll(reader), (Texts{"c+0", "dd+1", "e+0"}));
}

TEST(FrameReader, KeepsDescriptorsWithTheirMessageOnARealSocket) {
  const FdPair pair = makeSocketPair(SOCK_STREAM);
  const std::vector<Fd> fds = someFds(1);
  const int number = fds[0].get();
  sendWithFds(pair.first.get(), "first\0"sv, {});
  sendWithFds(pair.first.get(), "second\0"sv, {&number, 1});
  sendWithFds(pair.first.get(), "third\0"sv, {});
  FrameReader reader(100);
  Texts texts;
  while (texts.size() < 3) {
    Received received = receiveWithFds(pair.second.get(), kReadSize);
    reader.push(received.bytes, std::move(received.fds));
    for (auto& text : popAll(reader)) texts.push_back(text);
  }
  EXPECT_EQ(texts, (Texts{"first+0", "second+1", "third+0"}));
}

TEST(FrameReader, AcceptsAMessageOfTheLimitAndRefusesOneByteMore) {
  FrameReader reader(4);
  reader.push("abcd\0"sv);
  EXPECT_EQ(popAll(reader), Texts{"abcd+0"});
  reader.push("abc"sv);
  EXPECT_THROW(reader.push("de"sv), Error);
}

TEST(FrameReader, RefusesMoreDescriptorsThanAMessageMayCarry) {
  FrameReader reader(100);
  reader.push("a"sv, someFds(8));
  EXPECT_THROW(reader.push("b"sv, someFds(1)), Error);
}

TEST(EncodeFrame, EndsWithNul) {
  EXPECT_EQ(encodeFrame(Json{{"method", "io.vsd.List"}}, BadText::Refuse),
            std::string("{\"method\":\"io.vsd.List\"}\0"sv));
}

TEST(EncodeFrame, RefusesOrReplacesTextThatIsNotUtf8) {
  const Json message = {{"text", "a\xff"}};
  EXPECT_THROW(encodeFrame(message, BadText::Refuse), Error);
  EXPECT_EQ(encodeFrame(message, BadText::Replace),
            std::string("{\"text\":\"a\xEF\xBF\xBD\"}\0"sv));
}

}  // namespace
}  // namespace vs::api
