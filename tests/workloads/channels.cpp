// What processes say to each other on one machine: pipes, FIFOs, unix sockets, and what System V
// has. Something lies in each of them all the time.
#include <fcntl.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

// Sends numbered bytes and expects those that come back.
class Sequence {
 public:
  void put(int fd, std::size_t count) {
    std::uint8_t bytes[256];
    for (std::size_t i = 0; i < count; ++i) bytes[i] = byteAt(sent_ + i);
    must(::write(fd, bytes, count) == static_cast<ssize_t>(count), "write into a channel");
    sent_ += count;
  }
  void get(int fd, std::size_t count) {
    std::uint8_t bytes[256];
    std::size_t got = 0;
    while (got < count) {
      const ssize_t part = ::read(fd, bytes + got, count - got);
      if (part < 0 && errno == EINTR) continue;
      must(part > 0, "read from a channel");
      got += static_cast<std::size_t>(part);
    }
    for (std::size_t i = 0; i < count; ++i)
      must(bytes[i] == byteAt(received_ + i), "a channel has lost or changed bytes");
    received_ += count;
  }

 private:
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

// A child that gives back what it gets.
pid_t echo(int in, int out) {
  const pid_t child = must(::fork(), "fork");
  if (child != 0) return child;
  ::signal(SIGTERM, SIG_IGN);
  std::uint8_t bytes[256];
  for (;;) {
    const ssize_t count = ::read(in, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || ::write(out, bytes, static_cast<std::size_t>(count)) != count) ::_exit(0);
  }
}

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void sendDescriptor(int socket, int fd) {
  char byte = 'f';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  must(::sendmsg(socket, &message, 0), "send a descriptor");
}

int receiveDescriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  must(::recvmsg(socket, &message, MSG_DONTWAIT), "receive a descriptor");
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  must(header != nullptr && header->cmsg_type == SCM_RIGHTS, "no descriptor has come");
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

sockaddr_un addressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

}  // namespace

void pipes(const std::string& directory, const std::function<void()>& ready) {
  int there[2], back[2], resting[2];
  must(::pipe(there), "make a pipe");
  must(::pipe(back), "make a pipe");
  must(::pipe2(resting, O_NONBLOCK), "make a pipe");
  const std::string path = directory + "/fifo";
  ::unlink(path.c_str());
  must(::mkfifo(path.c_str(), 0600), "make a FIFO");
  const int fifo = must(::open(path.c_str(), O_RDWR), "open a FIFO");
  const pid_t child = echo(there[0], back[1]);
  Sequence spoken, rested, named;
  rested.put(resting[1], 200);
  named.put(fifo, 200);
  ready();
  repeat(5, [&] {
    spoken.put(there[1], 100);
    spoken.get(back[0], 100);
    rested.put(resting[1], 10);
    rested.get(resting[0], 10);
    named.put(fifo, 10);
    named.get(fifo, 10);
  });
  rested.get(resting[0], 200);
  named.get(fifo, 200);
  end(child);
}

void unixSockets(const std::string& directory, const std::function<void()>& ready) {
  int pair[2], packets[2], flight[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "make a pair");
  must(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets), "make a pair");
  must(::socketpair(AF_UNIX, SOCK_STREAM, 0, flight), "make a pair");
  const pid_t child = echo(pair[1], pair[1]);
  Sequence stream, packet;
  packet.put(packets[0], 100);
  packet.put(packets[0], 50);
  int inFlight[2];
  must(::pipe(inFlight), "make a pipe");
  must(::write(inFlight[1], "kept", 4) == 4, "write into a pipe");
  sendDescriptor(flight[0], inFlight[0]);
  ::close(inFlight[0]);

  const std::string path = directory + "/socket";
  ::unlink(path.c_str());
  const sockaddr_un address = addressOf(path);
  const int listener = must(::socket(AF_UNIX, SOCK_STREAM, 0), "make a socket");
  must(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  must(::listen(listener, 8), "listen");
  ready();
  repeat(5, [&] {
    stream.put(pair[0], 128);
    stream.get(pair[0], 128);
    const int client = must(::socket(AF_UNIX, SOCK_STREAM, 0), "make a socket");
    must(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address),
         "connect to a listening socket");
    const int served = must(::accept(listener, nullptr, nullptr), "accept");
    Sequence once;
    once.put(client, 20);
    once.get(served, 20);
    ::close(client);
    ::close(served);
  });
  packet.get(packets[1], 100);
  packet.get(packets[1], 50);
  char kept[4]{};
  const int arrived = receiveDescriptor(flight[1]);
  must(::read(arrived, kept, 4) == 4 && std::memcmp(kept, "kept", 4) == 0,
       "the descriptor that was in flight leads elsewhere");
  end(child);
}

void ipc(const std::string&, const std::function<void()>& ready) {
  const int memory = must(::shmget(IPC_PRIVATE, 1U << 20, 0600), "shmget");
  auto* const bytes = static_cast<std::uint8_t*>(::shmat(memory, nullptr, 0));
  must(bytes != reinterpret_cast<void*>(-1), "shmat");
  const int semaphore = must(::semget(IPC_PRIVATE, 2, 0600), "semget");
  must(::semctl(semaphore, 1, SETVAL, 7), "semctl");
  const int queue = must(::msgget(IPC_PRIVATE, 0600), "msgget");
  struct Message {
    long type;
    char text[16];
  };
  const Message first{3, "first"}, second{4, "second"};
  must(::msgsnd(queue, &first, sizeof first.text, 0), "msgsnd");
  must(::msgsnd(queue, &second, sizeof second.text, 0), "msgsnd");
  std::uint64_t turn = 0;
  ready();
  repeat(10, [&] {
    for (std::size_t i = 0; i < 4096; ++i)
      must(turn == 0 || bytes[i] == byteAt(turn + i), "shared memory has changed");
    ++turn;
    for (std::size_t i = 0; i < 4096; ++i) bytes[i] = byteAt(turn + i);
  });
  must(::semctl(semaphore, 1, GETVAL) == 7, "a semaphore has lost its value");
  Message message{};
  must(::msgrcv(queue, &message, sizeof message.text, 4, IPC_NOWAIT) > 0 &&
           std::strcmp(message.text, "second") == 0,
       "the second message is not there");
  must(::msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) > 0 &&
           std::strcmp(message.text, "first") == 0,
       "the first message is not there");
}

}  // namespace vs::workload
