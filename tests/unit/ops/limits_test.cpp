#include "vsd/ops/limits.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_host.hpp"

namespace vs {
namespace {

std::string errorOf(const Host& host, const Limits& limits) {
  Definition definition = host.contexts.find("web").definition;
  definition.limits = limits;
  try {
    checkLimits(host, definition);
  } catch (const Error& error) {
    return error.text();
  }
  return "no error";
}

TEST(Limits, OfRatesNeedAVolumeWithADevice) {
  test::FakeHost fake;
  fake.add("web");
  const std::string refused =
      "cannot limit what context 'web' reads and writes: storage 'dir' is of tier dir, where "
      "volumes have no block device of their own";
  Limits reading;
  reading.readRate = 1_MiB;
  EXPECT_EQ(errorOf(fake.host, reading), refused);
  Limits writing;
  writing.writeRate = 1_MiB;
  EXPECT_EQ(errorOf(fake.host, writing), refused);
  EXPECT_EQ(errorOf(fake.host, {}), "no error");
}

TEST(Limits, NeedAControllerOfTheHost) {
  test::FakeHost fake;
  fake.add("web");
  Limits limits;
  limits.memory = 64_MiB;
  EXPECT_EQ(errorOf(fake.host, limits),
            "cannot limit context 'web': this host's cgroup v2 has no controller 'memory' (for "
            "memory.max)");
}

}  // namespace
}  // namespace vs
