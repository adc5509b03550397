// Holds back every packet of a cgroup's sockets, those over the loopback link too, for as long as
// this object is there, or the process that made it (bpf(2), BPF_LINK_CREATE).
//
// While sockets are saved or restored one by one, one that is there must hear nothing of one that
// is not yet: it would count bytes as arrived that are not, or be told that nobody is there. What
// is held back is lost to the network, and TCP sends it again. The packets that criu makes itself,
// to bring a socket into its state, pass.
#pragma once

#include <array>

#include "vsd/base/fd.hpp"

namespace vs {

class PacketHold {
 public:
  // `cgroup` is its directory; all below it are held too. Throws Unsupported on a kernel without
  // such programs.
  explicit PacketHold(int cgroup);
  void letGo();

 private:
  std::array<Fd, 2> links_;  // of what goes out and comes in
};

}  // namespace vs
