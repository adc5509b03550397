// Things that a process can hold and that are rare, or that no checkpoint carries over: each is
// held by a process that does nothing else, so that what `check --move` says can be put to the
// test.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

constexpr int kMptcp = 262;
constexpr int kVsock = 40;
constexpr int kPidfdThread = O_EXCL;
constexpr int kSetMdwe = 65;

long ask(long number, auto... arguments) { return ::syscall(number, arguments...); }

std::string dirIn(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  ::mkdir(path.c_str(), 0700);
  return path;
}

int fileAt(const std::string& path) {
  return must(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600), "create " + path);
}

pid_t childThatWaits() {
  const pid_t child = must(::fork(), "fork");
  if (child != 0) return child;
  for (;;) ::pause();
}

void* waitForEver(void*) {
  for (;;) ::pause();
}

// --- what there is a rule for ---
void messageQueue(const std::string&) {
  must(::mq_open("/held", O_RDWR | O_CREAT, 0600, nullptr), "open a message queue");
  must(::mq_unlink("/held"), "unlink a message queue");
}
void leftMessageQueue(const std::string&) {
  const mqd_t queue =
      must(::mq_open("/left", O_RDWR | O_CREAT, 0600, nullptr), "open a message queue");
  ::mq_close(queue);
}
void ownTerminal(const std::string&) {
  int master = -1;
  if (must(::forkpty(&master, nullptr, nullptr, nullptr), "fork behind a terminal") != 0) return;
  must(::open("/dev/tty", O_RDWR), "open /dev/tty");
  for (;;) ::pause();
}
void traced(const std::string&) {
  const pid_t child = childThatWaits();
  must(::ptrace(PTRACE_SEIZE, child, nullptr, nullptr), "trace a process");
}
void deadMainThread(const std::string&) {
  pthread_t thread;
  must(::pthread_create(&thread, nullptr, waitForEver, nullptr) == 0, "begin a thread");
}
void cryptoSocket(const std::string&) { must(::socket(AF_ALG, SOCK_SEQPACKET, 0), "AF_ALG"); }
void vmSocket(const std::string&) { must(::socket(kVsock, SOCK_STREAM, 0), "AF_VSOCK"); }
void mptcpSocket(const std::string&) {
  must(::socket(AF_INET, SOCK_STREAM, kMptcp), "a socket of MPTCP");
}
void pingSocket(const std::string&) {
  must(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), "a socket for pings");
}
void packetRing(const std::string&) {
  const int socket = must(::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), "a packet socket");
  const tpacket_req ring{4096, 4, 2048, 8};
  must(::setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring), "make a ring");
  must(::mmap(nullptr, 4 * 4096, PROT_READ, MAP_SHARED, socket, 0) != MAP_FAILED, "map a ring");
}
void ioUring(const std::string&) {
  std::array<char, 120> parameters{};
  must(ask(SYS_io_uring_setup, 1, parameters.data()), "io_uring");
}
void userFaults(const std::string&) { must(ask(SYS_userfaultfd, 1), "userfaultfd"); }
void secretMemory(const std::string&) {
  const int fd = static_cast<int>(must(ask(SYS_memfd_secret, 0), "memfd_secret"));
  must(::ftruncate(fd, 4096), "size secret memory");
  must(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED, "map secret memory");
}
void coveredFile(const std::string& directory) {
  const std::string place = dirIn(directory, "covered");
  must(::mount("a", place.c_str(), "tmpfs", 0, ""), "mount");
  fileAt(place + "/file");
  must(::mount("b", place.c_str(), "tmpfs", 0, ""), "mount over it");
}
void unmountedFile(const std::string& directory) {
  const std::string place = dirIn(directory, "unmounted");
  must(::mount("c", place.c_str(), "tmpfs", 0, ""), "mount");
  fileAt(place + "/file\x1b[2J\xff");  // also what nobody should print
  must(::umount2(place.c_str(), MNT_DETACH), "unmount");
}
void ramFiles(const std::string& directory) {
  const std::string place = dirIn(directory, "ramfs");
  must(::mount("d", place.c_str(), "ramfs", 0, ""), "mount a ramfs");
}
void overlay(const std::string& directory) {
  const std::string place = dirIn(directory, "overlay");
  for (const char* part : {"/lower", "/upper", "/work", "/all"}) dirIn(place, part + 1);
  const std::string options =
      "lowerdir=" + place + "/lower,upperdir=" + place + "/upper,workdir=" + place + "/work";
  must(::mount("e", (place + "/all").c_str(), "overlay", 0, options.c_str()), "mount an overlay");
  fileAt(place + "/all/file");
}
void supervisor(const std::string&) {
  must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
  sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const sock_fprog program{1, allow};
  must(ask(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
       "listen to system calls");
}
void threadDescriptor(const std::string&) {
  must(ask(SYS_pidfd_open, ::getpid(), kPidfdThread), "a pidfd of a thread");
}
void packetPipe(const std::string&) {
  int ends[2];
  must(::pipe2(ends, O_DIRECT), "a pipe of packets");
  must(::write(ends[1], "one", 3), "write");
}

// --- what is rare ---
void emptyPacketPipe(const std::string&) {
  int ends[2];
  must(::pipe2(ends, O_DIRECT), "a pipe of packets");
}
void packetSocket(const std::string&) {
  must(::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP)), "a packet socket");
}
void rawSocket(const std::string&) {
  must(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "a raw socket");
}
void netlinkQueue(const std::string&) {
  const int socket = must(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), "a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  must(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind netlink");
  struct {
    nlmsghdr header;
    rtgenmsg message;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  must(::send(socket, &request, sizeof request, 0), "ask for links");
}
void credentialsInQueue(const std::string&) {
  int ends[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "a pair of sockets");
  const int on = 1;
  must(::setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), "ask for credentials");
  must(::write(ends[0], "one", 3), "write");
}
void connectionsInQueue(const std::string& directory) {
  const int listening = must(::socket(AF_UNIX, SOCK_STREAM, 0), "a unix socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (directory + "/queue.sock").c_str(), sizeof address.sun_path - 1);
  ::unlink(address.sun_path);
  must(::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  must(::listen(listening, 4), "listen");
  for (int i = 0; i < 2; ++i) {
    const int client = must(::socket(AF_UNIX, SOCK_STREAM, 0), "a unix socket");
    must(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
    must(::write(client, "one", 3), "write");
  }
}
void corkedDatagram(const std::string&) {
  const int socket = must(::socket(AF_INET, SOCK_DGRAM, 0), "a datagram socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  const int on = 1;
  must(::setsockopt(socket, IPPROTO_UDP, UDP_CORK, &on, sizeof on), "cork");
  must(::send(socket, "one", 3, 0), "send");
}
void multicast(const std::string&) {
  const int socket = must(::socket(AF_INET, SOCK_DGRAM, 0), "a datagram socket");
  ip_mreqn group{};
  group.imr_multiaddr.s_addr = htonl(0xE00000FB);
  group.imr_address.s_addr = htonl(INADDR_LOOPBACK);
  group.imr_ifindex = 1;
  must(::setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), "join a group");
}
void watchOfDeletedFile(const std::string& directory) {
  const std::string path = directory + "/watched";
  ::close(fileAt(path));
  const int watch = must(::inotify_init1(0), "inotify");
  must(::inotify_add_watch(watch, path.c_str(), IN_ALL_EVENTS), "watch");
  must(::open(path.c_str(), O_RDONLY), "open");  // so that it lives
  must(::unlink(path.c_str()), "unlink");
}
void watchOfProc(const std::string&) {
  const int watch = must(::inotify_init1(0), "inotify");
  must(::inotify_add_watch(watch, "/proc/mounts", IN_ALL_EVENTS), "watch");
}
void watchOfTmpfs(const std::string& directory) {
  const std::string place = dirIn(directory, "watched-tmpfs");
  must(::mount("f", place.c_str(), "tmpfs", 0, ""), "mount");
  ::close(fileAt(place + "/file"));
  const int watch = must(::inotify_init1(0), "inotify");
  must(::inotify_add_watch(watch, (place + "/file").c_str(), IN_ALL_EVENTS), "watch");
}
void deletedDirectory(const std::string& directory) {
  const std::string place = dirIn(directory, "gone");
  must(::chdir(place.c_str()), "go there");
  must(::rmdir(place.c_str()), "remove it");
}
void fileEvents(const std::string& directory) {
  const int watch = must(::fanotify_init(FAN_REPORT_FID, O_RDONLY), "fanotify");
  must(::fanotify_mark(watch, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, directory.c_str()), "watch");
}
void asynchronousFiles(const std::string&) {
  aio_context_t context = 0;
  must(ask(SYS_io_setup, 8, &context), "io_setup");
}
void sharedMemorySpace(const std::string&) {
  static std::array<char, 65536> stack;
  must(::clone(
           [](void*) -> int {
             for (;;) ::pause();
           },
           stack.data() + stack.size(), CLONE_VM | SIGCHLD, nullptr),
       "share memory with a process");
}
void sharedDescriptors(const std::string&) {
  static std::array<char, 65536> stack;
  must(::clone(
           [](void*) -> int {
             for (;;) ::pause();
           },
           stack.data() + stack.size(), CLONE_FILES | CLONE_FS | SIGCHLD, nullptr),
       "share descriptors with a process");
}
void bootTimer(const std::string&) {
  const int timer = must(::timerfd_create(CLOCK_BOOTTIME, 0), "a timer");
  const itimerspec time{{1000, 0}, {1000, 0}};
  must(::timerfd_settime(timer, 0, &time, nullptr), "set a timer");
}
void lease(const std::string& directory) {
  const std::string path = directory + "/leased";
  ::close(fileAt(path));
  const int file = must(::open(path.c_str(), O_RDONLY), "open");
  must(::fcntl(file, F_SETLEASE, F_RDLCK), "take a lease");
}
void descriptionLock(const std::string& directory) {
  const int file = fileAt(directory + "/locked");
  struct flock lock {};
  lock.l_type = F_WRLCK;
  must(::fcntl(file, F_OFD_SETLK, &lock), "lock");
}
void pathDescriptors(const std::string& directory) {
  must(::open(directory.c_str(), O_PATH), "a path");
  const std::string link = directory + "/link";
  ::unlink(link.c_str());
  must(::symlink("nowhere", link.c_str()), "link");
  must(::open(link.c_str(), O_PATH | O_NOFOLLOW), "a path of a link");
}
void deletedFifo(const std::string& directory) {
  const std::string path = directory + "/fifo";
  must(::mkfifo(path.c_str(), 0600), "make a FIFO");
  must(::open(path.c_str(), O_RDWR), "open it");
  must(::unlink(path.c_str()), "unlink it");
}
void deletedUnixSocket(const std::string& directory) {
  const int listening = must(::socket(AF_UNIX, SOCK_DGRAM, 0), "a unix socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (directory + "/gone.sock").c_str(), sizeof address.sun_path - 1);
  ::unlink(address.sun_path);
  must(::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  must(::unlink(address.sun_path), "unlink it");
}
void temporaryFile(const std::string& directory) {
  const int file = must(::open(directory.c_str(), O_TMPFILE | O_RDWR, 0600), "a file without name");
  must(::ftruncate(file, 8192), "size it");
  must(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED, "map it");
}
void eventsOfAClosedFile(const std::string&) {
  int ends[2];
  must(::pipe(ends), "a pipe");
  const int events = must(::epoll_create1(0), "epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  const int other = must(::dup(ends[0]), "dup");
  must(::epoll_ctl(events, EPOLL_CTL_ADD, other, &event), "watch");
  ::close(other);
}
void eventsOfEvents(const std::string&) {
  const int inner = must(::epoll_create1(0), "epoll");
  const int outer = must(::epoll_create1(0), "epoll");
  epoll_event event{};
  event.events = EPOLLIN;
  must(::epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event), "watch");
}
void queuedSignals(const std::string&) {
  sigset_t all;
  ::sigemptyset(&all);
  ::sigaddset(&all, SIGRTMIN);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  for (int i = 0; i < 3; ++i) must(::sigqueue(::getpid(), SIGRTMIN, {.sival_int = i}), "queue");
}
void noExecutableMemory(const std::string&) {
  must(::prctl(kSetMdwe, 1, 0, 0, 0), "deny memory that is writable and executable");
}
void undumpable(const std::string&) { must(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl"); }
void ownDescriptorInFlight(const std::string&) {
  int ends[2];
  must(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "a pair of sockets");
  char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 'x';
  iovec bytes{&byte, 1};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  std::memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
  must(::sendmsg(ends[0], &message, 0), "send a descriptor");
}
void closedTerminal(const std::string&) {
  int master = -1;
  int slave = -1;
  must(::openpty(&master, &slave, nullptr, nullptr, nullptr), "a terminal");
  must(::write(slave, "text\n", 5), "write");
  ::close(slave);
}
void memoryOfItsOwnKind(const std::string&) {
  char* memory = static_cast<char*>(
      ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  must(memory != MAP_FAILED, "map");
  must(::madvise(memory, 65536, MADV_DONTFORK), "dontfork");
  must(::madvise(memory + 65536, 65536, MADV_WIPEONFORK), "wipeonfork");
  must(::mlock(memory + 131072, 65536), "lock");
  must(::mprotect(memory + 262144, 65536, PROT_NONE), "protect");
  must(::mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN,
              -1, 0) != MAP_FAILED,
       "map a stack");
}
void synSent(const std::string&) {
  const int socket = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1: nobody is there
  ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

struct Holding {
  const char* name;
  void (*hold)(const std::string& directory);
};
constexpr Holding kAll[] = {
    {"message-queue", messageQueue},
    {"left-message-queue", leftMessageQueue},
    {"own-terminal", ownTerminal},
    {"traced", traced},
    {"dead-main-thread", deadMainThread},
    {"crypto-socket", cryptoSocket},
    {"vm-socket", vmSocket},
    {"mptcp-socket", mptcpSocket},
    {"ping-socket", pingSocket},
    {"packet-ring", packetRing},
    {"io-uring", ioUring},
    {"user-faults", userFaults},
    {"secret-memory", secretMemory},
    {"covered-file", coveredFile},
    {"unmounted-file", unmountedFile},
    {"ramfs", ramFiles},
    {"overlay", overlay},
    {"supervisor", supervisor},
    {"thread-descriptor", threadDescriptor},
    {"packet-pipe", packetPipe},
    {"empty-packet-pipe", emptyPacketPipe},
    {"packet-socket", packetSocket},
    {"raw-socket", rawSocket},
    {"netlink-queue", netlinkQueue},
    {"credentials-in-queue", credentialsInQueue},
    {"connections-in-queue", connectionsInQueue},
    {"corked-datagram", corkedDatagram},
    {"multicast", multicast},
    {"watch-of-deleted-file", watchOfDeletedFile},
    {"watch-of-proc", watchOfProc},
    {"watch-of-tmpfs", watchOfTmpfs},
    {"deleted-directory", deletedDirectory},
    {"file-events", fileEvents},
    {"asynchronous-files", asynchronousFiles},
    {"shared-memory-space", sharedMemorySpace},
    {"shared-descriptors", sharedDescriptors},
    {"boot-timer", bootTimer},
    {"lease", lease},
    {"description-lock", descriptionLock},
    {"path-descriptors", pathDescriptors},
    {"deleted-fifo", deletedFifo},
    {"deleted-unix-socket", deletedUnixSocket},
    {"temporary-file", temporaryFile},
    {"events-of-a-closed-file", eventsOfAClosedFile},
    {"events-of-events", eventsOfEvents},
    {"queued-signals", queuedSignals},
    {"no-executable-memory", noExecutableMemory},
    {"undumpable", undumpable},
    {"own-descriptor-in-flight", ownDescriptorInFlight},
    {"closed-terminal", closedTerminal},
    {"memory-of-its-own-kind", memoryOfItsOwnKind},
    {"syn-sent", synSent},
};

}  // namespace

std::vector<std::string> heldNames() {
  std::vector<std::string> names;
  for (const Holding& holding : kAll) names.emplace_back(holding.name);
  return names;
}

bool hold(const std::string& name, const std::string& directory) {
  for (const Holding& holding : kAll) {
    if (name != holding.name) continue;
    holding.hold(directory);
    return true;
  }
  return false;
}

}  // namespace vs::workload
