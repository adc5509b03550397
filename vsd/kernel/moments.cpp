#include "vsd/kernel/moments.hpp"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

// 0: the same; 1 and 2 are an order; below 0: one of the two has ended.
long compare(pid_t one, pid_t other, int type) {
  return ::syscall(SYS_kcmp, one, other, type, 0, 0);
}

// A zombie has nothing any more, which is alike with every other.
bool isZombie(pid_t pid) {
  try {
    const auto stat = readFileIfExists(fmt::format("/proc/{}/stat", pid));
    const std::size_t end = stat ? stat->rfind(')') : std::string::npos;
    return end == std::string::npos || stat->substr(end + 1, 2) == " Z";
  } catch (const Error&) {
    return true;
  }
}

void addSharers(const std::vector<pid_t>& pids, int type, std::set<pid_t>& sharers) {
  std::vector<pid_t> sorted;  // of each kind one, in the kernel's order
  for (const pid_t pid : pids) {
    const auto place = std::ranges::lower_bound(
        sorted, pid, [type](pid_t one, pid_t other) { return compare(one, other, type) == 1; });
    if (place != sorted.end() && compare(*place, pid, type) == 0)
      sharers.insert(pid);
    else
      sorted.insert(place, pid);
  }
}

struct Request {
  nlmsghdr header{};
  unix_diag_req query{};
};

// The length of what waits, in a message about one socket.
std::uint32_t waitingIn(const nlmsghdr& header) {
  const auto* about = static_cast<const unix_diag_msg*>(NLMSG_DATA(&header));
  const auto* attribute = reinterpret_cast<const rtattr*>(about + 1);
  auto left = static_cast<unsigned>(NLMSG_PAYLOAD(&header, sizeof *about));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
    if (attribute->rta_type == UNIX_DIAG_RQLEN &&
        RTA_PAYLOAD(attribute) >= sizeof(unix_diag_rqlen)) {
      unix_diag_rqlen length{};
      std::memcpy(&length, RTA_DATA(attribute), sizeof length);
      return length.udiag_rqueue;
    }
  return 0;
}

std::set<std::uint64_t> unreadHere() {
  const Fd socket(check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG),
                        "ask the kernel for unix sockets"));
  Request request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.query.sdiag_family = AF_UNIX;
  request.query.udiag_states = ~0U;
  request.query.udiag_show = UDIAG_SHOW_RQLEN;
  check(::send(socket.get(), &request, sizeof request, 0), "ask the kernel for unix sockets");
  std::set<std::uint64_t> inodes;
  alignas(nlmsghdr) std::array<char, 65536> buffer;
  for (;;) {
    auto left = static_cast<unsigned>(check(::recv(socket.get(), buffer.data(), buffer.size(), 0),
                                            "hear of unix sockets from the kernel"));
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) return inodes;
      if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY && waitingIn(*header) > 0)
        inodes.insert(static_cast<const unix_diag_msg*>(NLMSG_DATA(header))->udiag_ino);
    }
  }
}

}  // namespace

std::set<pid_t> sharersAmong(const std::vector<pid_t>& pids) {
  std::vector<pid_t> living = pids;
  std::erase_if(living, isZombie);
  std::set<pid_t> sharers;
  for (const int type : {KCMP_VM, KCMP_FS, KCMP_SIGHAND}) addSharers(living, type, sharers);
  return sharers;
}

std::set<std::uint64_t> unreadUnixSockets(pid_t pid) {
  const Fd space = openFile(fmt::format("/proc/{}/ns/net", pid), O_RDONLY);
  std::set<std::uint64_t> inodes;
  std::exception_ptr trouble;
  std::thread([&] {
    try {
      check(::setns(space.get(), CLONE_NEWNET), "enter a network namespace");
      inodes = unreadHere();
    } catch (...) {
      trouble = std::current_exception();
    }
  }).join();
  if (trouble) std::rethrow_exception(trouble);
  return inodes;
}

}  // namespace vs
