// A host and contexts as network namespaces of this kernel, and packets between them. The test's
// own thread is the host: it is in a namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "netfw/links.hpp"
#include "netfw/rules.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/runner.hpp"

namespace vs::netfw::test {

// A new, empty network namespace; it goes with its descriptor and what is in it.
Fd makeNamespace();

// What `ip` says, in the namespace (or the host's, -1): "" when it fails.
std::string ip(int netns, const std::vector<std::string>& words);

// A socket of a namespace, used from here.
Fd socketIn(int netns, int domain, int type, int protocol = 0);
void bindTo(int socket, const Address& address, std::uint16_t port);
// Sends a datagram; false when the kernel refuses.
bool sendTo(int socket, const Address& address, std::uint16_t port, const std::string& bytes);
// What comes before the time is over; "" when nothing does.
std::string receive(int socket, int millis = 300);

struct Context {
  std::string name;
  Fd netns;
  LinkPlan link;
  Address ipv4;
  Address ipv6;
};

class World : public testing::Test {
 protected:
  void SetUp() override;

  // A context with 192.168.7.N and fd00:7::N in the isolated network "inner".
  Context makeContext(const std::string& name, int number);

  // Does the first packet of an exchange arrive, and does its answer come back? With `port` of
  // `to`.
  bool canUdp(const Context& from, const Context& to, std::uint16_t port, Family family);
  bool canTcp(const Context& from, const Context& to, std::uint16_t port, Family family);
  bool canPing(const Context& from, const Context& to, Family family);
  // Sends a whole Ethernet frame from inside a context.
  static void sendFrame(const Context& from, const std::string& frame);

  static const Address& addressOf(const Context& context, Family family) {
    return family == Family::IPv4 ? context.ipv4 : context.ipv6;
  }

  Network inner_;
  RealRunner runner_;
};

}  // namespace vs::netfw::test
