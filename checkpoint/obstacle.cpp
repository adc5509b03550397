#include "checkpoint/obstacle.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "checkpoint/requests.hpp"
#include "checkpoint/words.hpp"

namespace vs::checkpoint {
namespace {

constexpr unsigned kMemoryDevices = 1;  // null, zero, full, random, urandom
constexpr unsigned kPtyFirst = 136;
constexpr unsigned kPtyLast = 143;
constexpr unsigned kOwnTerminal = deviceNumber(5, 0);  // /dev/tty
constexpr unsigned kSystemConsole = deviceNumber(5, 1);
constexpr unsigned kPtyMaster = deviceNumber(5, 2);
constexpr unsigned kVirtualTerminals = 4;

constexpr std::array kSavedAnonymous = {
    std::string_view("[eventfd]"),  std::string_view("[eventpoll]"), std::string_view("inotify"),
    std::string_view("[fanotify]"), std::string_view("[signalfd]"),  std::string_view("[timerfd]"),
    std::string_view("[pidfd]")};

// As the kernel names them (struct proto).
constexpr std::array kSavedProtocols = {
    std::string_view("TCP"),   std::string_view("TCPv6"),       std::string_view("UDP"),
    std::string_view("UDPv6"), std::string_view("RAW"),         std::string_view("RAWv6"),
    std::string_view("UNIX"),  std::string_view("UNIX-STREAM"), std::string_view("NETLINK"),
    std::string_view("PACKET")};

constexpr std::array kSavedFileSystems = {std::string_view("proc"),   std::string_view("sysfs"),
                                          std::string_view("tmpfs"),  std::string_view("devpts"),
                                          std::string_view("mqueue"), std::string_view("cgroup2")};

struct Hint {
  std::string_view part;
  std::string_view remedy;
};
constexpr Hint kAnonymousHints[] = {
    {"io_uring", "configure the program to use epoll or threads instead of io_uring"},
    {"userfaultfd", "configure the program to do without userfaultfd"},
    {"perf_event", "end the measurement"},
    {"seccomp", "end the program that supervises others' system calls"},
};

bool contains(std::span<const std::string_view> list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

Obstacle ofAnonymous(std::string_view kind) {
  for (const Hint& hint : kAnonymousHints)
    if (kind.find(hint.part) != std::string_view::npos)
      return {std::string(hint.part), fmt::format("it is a descriptor of {}", hint.part),
              std::string(hint.remedy)};
  return {"descriptor", fmt::format("a descriptor of the kind {} cannot be saved", kind),
          "end the program, or configure it to do without"};
}

std::optional<Obstacle> ofPidfd(const OpenFile& file) {
  if ((file.flags & O_EXCL) == 0) return std::nullopt;  // PIDFD_THREAD
  return Obstacle{"thread descriptor", "a pidfd of a single thread cannot be saved",
                  "end the program"};
}

std::optional<Obstacle> ofPipe(const OpenFile& file) {
  if ((file.flags & O_DIRECT) == 0) return std::nullopt;
  return Obstacle{"pipe", "a pipe that keeps packets apart cannot be saved", "end the program"};
}

std::optional<Obstacle> ofSocket(const OpenFile& file) {
  if (file.protocol.empty() || contains(kSavedProtocols, file.protocol)) return std::nullopt;
  return Obstacle{"socket",
                  fmt::format("a socket of the protocol {} cannot be saved", file.protocol),
                  file.protocol.starts_with("MPTCP")
                      ? "configure the program to use plain TCP (systemd: SocketProtocol=)"
                      : "end the program, or configure it to do without"};
}

std::optional<Obstacle> ofDevice(const OpenFile& file) {
  const unsigned major = file.device >> 20;
  if (file.device == kOwnTerminal)
    return Obstacle{"terminal", "it has /dev/tty open, as interactive shells other than bash do",
                    "end that shell, or use bash"};
  if (major == kMemoryDevices || (major >= kPtyFirst && major <= kPtyLast) ||
      major == kVirtualTerminals || file.device == kPtyMaster || file.device == kSystemConsole)
    return std::nullopt;
  return Obstacle{"device", fmt::format("the device '{}' cannot be saved", file.target),
                  "end the program, or configure it to do without"};
}

std::optional<Obstacle> ofNamedFile(const OpenFile& file, const MountTable& mounts) {
  if (file.target.starts_with("/memfd:")) return std::nullopt;
  const Mount* mount = mounts.find(file.mount);
  if (mount == nullptr)
    return Obstacle{"file",
                    fmt::format("'{}' lies on no mount of the context: a POSIX message queue, or a "
                                "file system that was unmounted",
                                file.target),
                    "end the program, or let it close the file"};
  if (mounts.isCovered(*mount))
    return Obstacle{"file", fmt::format("'{}' lies below another mount", file.target),
                    "end the program, or unmount what was mounted over it"};
  if (S_ISREG(file.mode) && file.links == 0 && file.bytes > kGhostLimit)
    return Obstacle{"deleted file",
                    fmt::format("'{}' has no name any more, and holds more than {} MiB",
                                file.target, kGhostLimit >> 20),
                    "let the program close it: restart it, or have it open its files again"};
  return std::nullopt;
}

// "7f0000000000-7f0000001000 rw-s 00000000 00:0f 123   anon_inode:[io_uring]"
struct MappingWords {
  std::string_view inode, path;
};
std::optional<MappingWords> split(std::string_view mapping) {
  MappingWords words;
  for (int i = 0; i < 5; ++i) {
    const std::size_t end = mapping.find(' ');
    words.inode = mapping.substr(0, end);
    if (end == std::string_view::npos) return i == 4 ? std::optional(words) : std::nullopt;
    mapping.remove_prefix(end + 1);
  }
  const std::size_t begin = mapping.find_first_not_of(' ');
  if (begin != std::string_view::npos) words.path = mapping.substr(begin);
  return words;
}

// A binary address, in network order, of hexadecimal digits in that order or (igmp) reversed.
std::string addressOf(std::string_view digits, bool isReversed) {
  std::array<unsigned char, 16> bytes{};
  const std::size_t count = std::min(digits.size() / 2, bytes.size());
  for (std::size_t i = 0; i < count; ++i)
    std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2,
                    bytes[isReversed ? count - 1 - i : i], 16);
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(count == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

// All nodes, all routers, and those that belong to an address (RFC 4291, 2.7.1).
bool isEverybodys(std::string_view digits) {
  return digits.starts_with("ff0100000000000000000000000000") ||
         digits == "ff020000000000000000000000000001" ||
         digits == "ff020000000000000000000000000002" ||
         digits == "ff050000000000000000000000000002" ||
         digits.starts_with("ff0200000000000000000001ff");
}

}  // namespace

std::vector<Watch> watchesIn(std::string_view fdinfo) {
  // "inotify wd:1 ino:1f sdev:800001 mask:fce ignored_mask:0 fhandle-bytes:8 fhandle-type:1
  // f_handle:1f00000012345678", all but wd in hexadecimal
  std::vector<Watch> watches;
  for (const std::string_view line : linesOf(fdinfo)) {
    if (!line.starts_with("inotify ")) continue;
    Watch watch;
    for (const std::string_view word : wordsOf(line)) {
      const std::size_t colon = word.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, colon);
      const std::string_view text = word.substr(colon + 1);
      std::uint64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number, 16);
      if (key == "ino") watch.inode = number;
      if (key == "sdev") watch.device = fmt::format("{}:{}", number >> 20, number & 0xFFFFF);
      if (key == "fhandle-type") watch.handleType = static_cast<int>(number);
      if (key != "f_handle") continue;
      for (std::size_t at = 0; at + 2 <= text.size(); at += 2) {
        unsigned byte = 0;
        std::from_chars(text.data() + at, text.data() + at + 2, byte, 16);
        watch.handle += static_cast<char>(byte);
      }
    }
    watches.push_back(std::move(watch));
  }
  return watches;
}

std::vector<std::string> joinedGroups(std::string_view igmp, std::string_view igmp6) {
  std::vector<std::string> groups;
  // "2\teth0      :     1      V3" and below it "\t\t\t\tFB0000E0     1 0:00000000\t\t0"
  std::string device;
  for (const std::string_view line : linesOf(igmp)) {
    const std::vector<std::string_view> words = wordsOf(line);
    if (words.size() < 2) continue;
    if (!line.starts_with('\t'))
      device = words[1];
    else if (words[0].size() == 8 && words[0] != "010000E0")
      groups.push_back(fmt::format("{} on {}", addressOf(words[0], true), device));
  }
  // "2    eth0            ff020000000000000000000000000001     1 0000000C 0"
  for (const std::string_view line : linesOf(igmp6)) {
    const std::vector<std::string_view> words = wordsOf(line);
    if (words.size() >= 3 && words[2].size() == 32 && !isEverybodys(words[2]))
      groups.push_back(fmt::format("{} on {}", addressOf(words[2], false), words[1]));
  }
  return groups;
}

Obstacle ofJoinedGroup(const std::string& group) {
  return {"multicast", fmt::format("a program has joined the multicast group {}", group),
          "end the program (avahi-daemon and LLMNR do so), or try it: it then hears nothing of the "
          "group until it joins again"};
}

std::optional<Obstacle> obstacleIn(const OpenFile& file, const MountTable& mounts) {
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (file.target.starts_with(kAnonymous)) {
    const std::string_view kind = std::string_view(file.target).substr(kAnonymous.size());
    if (kind == "[pidfd]") return ofPidfd(file);
    if (contains(kSavedAnonymous, kind)) return std::nullopt;
    return ofAnonymous(kind);
  }
  if (file.target.starts_with("pidfd:")) return ofPidfd(file);
  if (S_ISSOCK(file.mode)) return ofSocket(file);
  if (S_ISCHR(file.mode)) return ofDevice(file);
  if (S_ISFIFO(file.mode) && !file.target.starts_with('/')) return ofPipe(file);
  if (!file.target.starts_with('/')) return std::nullopt;  // a namespace
  return ofNamedFile(file, mounts);
}

std::optional<Obstacle> obstacleIn(std::string_view mapping) {
  const auto words = split(mapping);
  if (!words || words->inode == "0" || words->path.empty()) return std::nullopt;
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (words->path.starts_with(kAnonymous))
    return ofAnonymous(words->path.substr(kAnonymous.size()));
  if (words->path.starts_with("/secretmem"))
    return Obstacle{"secret memory", "it uses memory that nothing but itself can read",
                    "end the program, or configure it to do without memfd_secret"};
  if (words->path.starts_with("/dev/") && !words->path.starts_with("/dev/shm/") &&
      !words->path.starts_with("/dev/zero"))
    return Obstacle{"device memory", fmt::format("it maps memory of '{}'", words->path),
                    "end the program, or configure it to do without"};
  return std::nullopt;
}

std::optional<Obstacle> obstacleIn(const Threads& threads) {
  if (threads.tracer != 0)
    return Obstacle{"debugger", fmt::format("process {} traces it", threads.tracer),
                    "end the debugger or strace"};
  if (threads.states.size() < 2) return std::nullopt;
  if (std::ranges::find(threads.states, 'Z') != threads.states.end())
    return Obstacle{"threads", "its main thread has ended and others have not, or the reverse",
                    "end the program"};
  const auto stopped = std::ranges::count(threads.states, 'T');
  if (stopped != 0 && stopped != std::ssize(threads.states))
    return Obstacle{"threads", "some of its threads are stopped and others are not",
                    "let it go on: kill -CONT"};
  return std::nullopt;
}

std::optional<Obstacle> obstacleIn(const Mount& mount, const Mount& root) {
  if (mount.device == root.device || contains(kSavedFileSystems, mount.type)) return std::nullopt;
  return Obstacle{
      "mount", fmt::format("a file system of type {} is mounted at '{}'", mount.type, mount.point),
      fmt::format("unmount it: umount {}", mount.point)};
}

}  // namespace vs::checkpoint
