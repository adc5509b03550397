#include "checkpoint/obstacle.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "checkpoint/requests.hpp"

namespace vs::checkpoint {
namespace {

const MountTable kMounts(
    "1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /mnt rw - tmpfs b rw\n3 2 0:10 / /mnt rw - tmpfs c "
    "rw\n");

std::string kindOf(const std::optional<Obstacle>& obstacle) {
  if (!obstacle) return "";
  EXPECT_FALSE(obstacle->found.empty());
  EXPECT_FALSE(obstacle->remedy.empty());
  return obstacle->kind;
}

std::string ofFile(const std::string& target, mode_t mode = S_IFREG, int mount = 1,
                   unsigned device = 0) {
  OpenFile file;
  file.target = target;
  file.mode = mode;
  file.mount = mount;
  file.device = device;
  return kindOf(obstacleIn(file, kMounts));
}

TEST(Obstacle, WhatCriuSavesIsNone) {
  for (const char* target : {"anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:inotify",
                             "anon_inode:[signalfd]", "anon_inode:[timerfd]", "anon_inode:[pidfd]"})
    EXPECT_EQ(ofFile(target, 0600), "") << target;
  EXPECT_EQ(ofFile("pipe:[123]", S_IFIFO), "");
  EXPECT_EQ(ofFile("/run/fifo", S_IFIFO), "");
  EXPECT_EQ(ofFile("mnt:[4026531841]"), "");
  EXPECT_EQ(ofFile("/etc/passwd"), "");
  EXPECT_EQ(ofFile("/memfd:x (deleted)", S_IFREG, 99), "");
  EXPECT_EQ(ofFile("/dev/null", S_IFCHR, 77, deviceNumber(1, 3)), "");
  EXPECT_EQ(ofFile("/dev/pts/3", S_IFCHR, 1, deviceNumber(136, 3)), "");
  EXPECT_EQ(ofFile("/dev/pts/ptmx", S_IFCHR, 1, deviceNumber(5, 2)), "");
}

TEST(Obstacle, OfDescriptors) {
  EXPECT_EQ(ofFile("anon_inode:[io_uring]", 0600), "io_uring");
  EXPECT_EQ(ofFile("anon_inode:[userfaultfd]", 0600), "userfaultfd");
  EXPECT_EQ(ofFile("anon_inode:[something new]", 0600), "descriptor");
  EXPECT_EQ(ofFile("/queue", S_IFREG, 99), "file");
  EXPECT_EQ(ofFile("/mnt/x", S_IFREG, 2), "file");
  EXPECT_EQ(ofFile("/dev/tty", S_IFCHR, 1, deviceNumber(5, 0)), "terminal");
  EXPECT_EQ(ofFile("/dev/fuse", S_IFCHR, 1, deviceNumber(10, 229)), "device");
}

TEST(Obstacle, OfPidfdsThoseOfSingleThreads) {
  for (const char* target : {"anon_inode:[pidfd]", "pidfd:[12]"}) {
    OpenFile file;
    file.target = target;
    file.flags = O_RDWR | O_CLOEXEC;
    EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "");
    file.flags |= O_EXCL;
    EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "thread descriptor");
  }
}

TEST(Obstacle, OfPipesThoseOfPackets) {
  OpenFile file;
  file.target = "pipe:[12]";
  file.mode = S_IFIFO;
  file.flags = O_WRONLY | O_NONBLOCK;
  EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "");
  file.flags |= O_DIRECT;
  EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "pipe");
}

TEST(Obstacle, OfSocketsByTheirProtocol) {
  const auto of = [](const std::string& protocol) {
    OpenFile file;
    file.target = "socket:[5]";
    file.mode = S_IFSOCK;
    file.protocol = protocol;
    return kindOf(obstacleIn(file, kMounts));
  };
  for (const char* protocol : {"TCP", "TCPv6", "UDP", "UDPv6", "UNIX", "UNIX-STREAM", "NETLINK",
                               "PACKET", "RAW", "RAWv6", ""})
    EXPECT_EQ(of(protocol), "") << protocol;
  for (const char* protocol : {"MPTCP", "SCTP", "PING", "ALG", "AF_VSOCK"})
    EXPECT_EQ(of(protocol), "socket") << protocol;
}

TEST(Obstacle, OfDeletedFilesThoseThatAreTooLarge) {
  OpenFile file;
  file.target = "/tmp/x (deleted)";
  file.mode = S_IFREG;
  file.mount = 1;
  file.links = 0;
  file.bytes = kGhostLimit;
  EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "");
  ++file.bytes;
  EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "deleted file");
  file.links = 1;
  EXPECT_EQ(kindOf(obstacleIn(file, kMounts)), "");
}

TEST(Obstacle, OfMappings) {
  const auto of = [](const std::string& tail) {
    return kindOf(obstacleIn("7f0000000000-7f0000001000 rw-s 00000000 " + tail));
  };
  for (const char* tail :
       {"00:00 0 ", "00:00 0                          [heap]", "08:01 55   /usr/lib/libc.so.6",
        "00:01 7    /SYSV00000000 (deleted)", "00:01 8  /memfd:x (deleted)", "00:00 0 [vdso]",
        "00:01 9  /dev/zero (deleted)", "00:20 9  /dev/shm/PostgreSQL.1",
        "00:0e 3 /[aio] (deleted)"})
    EXPECT_EQ(of(tail), "") << tail;
  EXPECT_EQ(of("00:0e 4    anon_inode:[io_uring]"), "io_uring");
  EXPECT_EQ(of("00:08 4    socket:[77]"), "");  // a ring of packets
  EXPECT_EQ(of("00:08 4    /secretmem (deleted)"), "secret memory");
  EXPECT_EQ(of("00:06 4    /dev/mem"), "device memory");
  EXPECT_EQ(kindOf(obstacleIn("")), "");
  EXPECT_EQ(kindOf(obstacleIn("7f00-7f01 rw-s")), "");
}

TEST(Obstacle, WatchesAreReadAsTheKernelWritesThem) {
  const std::vector<Watch> watches = watchesIn(
      "pos:\t0\nflags:\t00\nmnt_id:\t15\n"
      "inotify wd:3 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 "
      "fhandle-type:1 f_handle:7e9e0000640d1b6c\n"
      "inotify wd:2 ino:a111 sdev:19 mask:2 ignored_mask:0 fhandle-bytes:0 fhandle-type:0\n");
  ASSERT_EQ(watches.size(), 2U);
  EXPECT_EQ(watches[0].inode, 0x9e7eU);
  EXPECT_EQ(watches[0].device, "8:19");
  EXPECT_EQ(watches[0].handleType, 1);
  EXPECT_EQ(watches[0].handle, std::string("\x7e\x9e\0\0\x64\x0d\x1b\x6c", 8));
  EXPECT_EQ(watches[1].device, "0:25");
  EXPECT_TRUE(watches[1].handle.empty());
  EXPECT_TRUE(watchesIn("inotif\n\n").empty());
}

TEST(Obstacle, OfThreads) {
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'S'}, 0})), "");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'S', 'R', 'D'}, 0})), "");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'T', 'T'}, 0})), "");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'Z'}, 0})), "");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'S'}, 12})), "debugger");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'Z', 'S'}, 0})), "threads");
  EXPECT_EQ(kindOf(obstacleIn(Threads{{'S', 'T'}, 0})), "threads");
}

TEST(Obstacle, OfMulticastGroupsThoseThatAProgramHasJoined) {
  const std::vector<std::string> groups = joinedGroups(
      "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
      "1\tlo        :     1      V3\n"
      "\t\t\t\t010000E0     1 0:00000000\t\t0\n"
      "2\teth0      :     2      V3\n"
      "\t\t\t\tFB0000E0     1 0:00000000\t\t0\n"
      "\t\t\t\t010000E0     1 0:00000000\t\t0\n",
      "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
      "1    lo              ff010000000000000000000000000001     1 00000008 0\n"
      "2    eth0            ff0200000000000000000001ff000017     1 00000004 0\n"
      "2    eth0            ff0200000000000000000000000000fb     1 00000004 0\n");
  EXPECT_EQ(groups, (std::vector<std::string>{"224.0.0.251 on eth0", "ff02::fb on eth0"}));
  EXPECT_EQ(kindOf(ofJoinedGroup(groups[0])), "multicast");
  EXPECT_TRUE(joinedGroups("", "\n\n1 2 3\n").empty());
}

TEST(Obstacle, OfMounts) {
  const Mount root{1, 0, "8:1", "/", "ext4"};
  EXPECT_EQ(kindOf(obstacleIn({2, 1, "8:1", "/bind", "ext4"}, root)), "");
  EXPECT_EQ(kindOf(obstacleIn({3, 1, "0:9", "/run", "tmpfs"}, root)), "");
  EXPECT_EQ(kindOf(obstacleIn({4, 1, "0:8", "/x", "ramfs"}, root)), "mount");
  EXPECT_EQ(kindOf(obstacleIn({7, 1, "0:6", "/o", "overlay"}, root)), "mount");
  EXPECT_EQ(kindOf(obstacleIn({5, 1, "8:2", "/y", "ext4"}, root)), "mount");
  EXPECT_EQ(kindOf(obstacleIn({6, 1, "0:7", "/z", "fuse.sshfs"}, root)), "mount");
}

}  // namespace
}  // namespace vs::checkpoint
