#include "vsd/ops/snapshot_diff.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "vsd/base/error.hpp"

namespace vs {
namespace {

class PatientWriterTest : public testing::Test {
 protected:
  PatientWriterTest() {
    ::signal(SIGPIPE, SIG_IGN);
    ::fcntl(pipe_.second.get(), F_SETPIPE_SZ, 4096);
  }

  Operation operation_{"1", "snapshot diff", "web", "root"};
  FdPair pipe_ = makePipe();
  PatientWriter writer_{pipe_.second.get(), operation_};
};

TEST_F(PatientWriterTest, WritesEveryLineToASlowReader) {
  std::string read;
  std::thread reader([&] {
    char bytes[1000];
    for (ssize_t n; (n = ::read(pipe_.first.get(), bytes, sizeof bytes)) > 0;) {
      read.append(bytes, static_cast<std::size_t>(n));
      ::usleep(500);
    }
  });
  std::string written;
  for (int i = 0; i < 3000; ++i) {
    const std::string line = fmt::format("line {}\n", i);
    written += line;
    writer_.write(line);
  }
  writer_.flush();
  pipe_.second.reset();
  reader.join();
  EXPECT_EQ(read, written);
}

TEST_F(PatientWriterTest, NoticesThatTheReaderIsGone) {
  pipe_.first.reset();
  EXPECT_THROW(writer_.checkReader(), Error);
}

TEST_F(PatientWriterTest, CanBeCancelledWhileNobodyReads) {
  std::thread canceller([&] {
    ::usleep(100'000);
    operation_.cancel();
  });
  const auto fill = [&] {
    for (;;) writer_.write("a line that nobody reads\n");
  };
  EXPECT_THROW(fill(), Error);
  canceller.join();
}

}  // namespace
}  // namespace vs
