#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/root/busybox_context.hpp"
#include "vsd/base/error.hpp"

namespace vs::test {
namespace {

class GuestConsole : public BusyboxContext {
 protected:
  Fd attach() const {
    const std::string path = state() + "/console.sock";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd socket(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make a socket"));
    check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "attach to the console");
    std::this_thread::sleep_for(Millis(50));  // until it is accepted
    return socket;
  }
  static void send(const Fd& socket, const std::string& message) {
    check(::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL), "send");
  }
  // What comes from the console until it holds `until`.
  static std::string receive(const Fd& socket, const std::string& until) {
    std::string text;
    while (text.find(until) == std::string::npos && waitReadable(socket.get(), Millis(5000))) {
      const std::string message = receiveWithFds(socket.get(), 8192).bytes;
      if (message.empty()) break;
      EXPECT_EQ(message[0], 'd');
      text += message.substr(1);
    }
    return text;
  }
};

TEST_F(GuestConsole, GoesToTheLog) {
  boot("echo one; echo two; exit 0");
  ASSERT_TRUE(waitEnd());
  EXPECT_EQ(readFile(state() + "/console.log"), "one\r\ntwo\r\n");
  struct stat status {};
  ASSERT_EQ(::stat((state() + "/console.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(GuestConsole, IsTheControllingTerminalOfItsCommand) {
  boot(
      "tty; stty size; trap 'echo interrupted; exit 1' INT; echo ready; while :; do sleep 0.05; "
      "done");
  consoleWith("ready");
  const Fd client = attach();
  send(client, "d\x03");  // Ctrl-C
  EXPECT_NE(receive(client, "interrupted").find("interrupted"), std::string::npos);
  EXPECT_EQ(consoleWith("ready").substr(0, 28), "/dev/pts/0\r\n24 80\r\nready\r\n^C");
}

TEST_F(GuestConsole, TakesInputAndSizeFromAClient) {
  boot("while read line; do echo \"<$line>\"; stty size; done");
  const Fd client = attach();
  send(client, "w100 50");
  send(client, "dhello\r");
  EXPECT_EQ(receive(client, "50 100\r\n"), "hello\r\n<hello>\r\n50 100\r\n");
}

TEST_F(GuestConsole, AFloodIsReadNoFasterThanItIsAllowedAndHoldsNothingUp) {
  boot("stty size; yes & while read line; do kill $!; wait; stty size; exit 0; done");
  const Fd client = attach();
  std::size_t flood = 0;
  const Deadline end = deadlineIn(Millis(1000));
  while (std::chrono::steady_clock::now() < end && waitReadable(client.get(), Millis(500)))
    flood += receiveWithFds(client.get(), 8192).bytes.size();
  EXPECT_GT(flood, 64U << 10);
  EXPECT_LT(flood, 6U << 20);
  send(client, "w100 50");
  send(client, "d\r");
  EXPECT_TRUE(waitEnd());
  EXPECT_NE(readFile(state() + "/console.log").find("50 100"), std::string::npos);
}

TEST_F(GuestConsole, SpeaksToFourClientsAndNoMore) {
  boot("read x; echo go; exec sleep 1000");
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(attach());
  send(clients[0], "d\r");
  for (int i = 0; i < 4; ++i)
    EXPECT_NE(receive(clients[static_cast<std::size_t>(i)], "go").find("go"), std::string::npos)
        << i;
  EXPECT_TRUE(receiveWithFds(clients[4].get(), 100).bytes.empty()) << "the fifth is sent away";
}

TEST_F(GuestConsole, IsNotHeldUpByAClientThatDoesNotRead) {
  boot(
      "i=0; while [ $i -lt 20000 ]; do echo 'a line of some length to fill the buffers' $i; "
      "i=$((i+1)); done; "
      "echo finished; exec sleep 1000");
  const Fd client = attach();
  bool finished = false;
  for (int i = 0; i < 100 && !finished; ++i) {
    std::this_thread::sleep_for(Millis(100));
    finished = readFile(state() + "/console.log").find("finished") != std::string::npos;
  }
  EXPECT_TRUE(finished);
}

TEST_F(GuestConsole, KeepsTheLogWithinItsLimit) {
  BootPlan plan = commandPlan("");
  plan.argv[2] =
      "i=0; while [ $i -lt 3000 ]; do echo 'a line of some length to fill the log' $i; i=$((i+1)); "
      "done";
  plan.consoleLogLimit = 16 * 1024;
  boot(plan);
  ASSERT_TRUE(waitEnd());
  EXPECT_LE(std::filesystem::file_size(state() + "/console.log"), plan.consoleLogLimit);
  EXPECT_LE(std::filesystem::file_size(state() + "/console.log.1"), plan.consoleLogLimit);
  EXPECT_NE(readFile(state() + "/console.log").find("2999"), std::string::npos)
      << "the newest stays";
}

TEST_F(GuestConsole, SurvivesGarbage) {
  boot("echo ready; exec sleep 1000");
  consoleWith("ready");
  const Fd client = attach();
  for (const char* message : {"w", "w-1 -1", "w99999 99999", "wx y", "q", "d", "w5"})
    send(client, message);
  send(client, std::string(4000, 'd'));
  EXPECT_EQ(run("stty size < /dev/console").out, "24 80\n");
}

}  // namespace
}  // namespace vs::test
