#include <gtest/gtest.h>
#include <signal.h>

#include "vsd/base/error.hpp"
#include "vsd/context/boot.hpp"
#include "vsd/context/id_ranges.hpp"

namespace vs {
namespace {

TEST(IdRanges, AreTheLowestThatTouchNobodyElses) {
  EXPECT_EQ(findFreeRange({}), (IdRange{0x80000, 65536}));
  EXPECT_EQ(findFreeRange({{0x80000, 65536}, {0xa0000, 65536}}), (IdRange{0x90000, 65536}));
  // A range of a user that overlaps two of ours by one id each.
  EXPECT_EQ(findFreeRange({{0x8ffff, 2}}), (IdRange{0xa0000, 65536}));
}

TEST(IdRanges, RunOutWithAnError) { EXPECT_THROW(findFreeRange({{0, 0xffffffff}}), Error); }

TEST(SubordinateIds, AreReadAndBrokenLinesLeftOut) {
  EXPECT_EQ(parseSubordinateIds("alice:100000:65536\nbroken\nbob:x:1\ncarol:165536:10"),
            (std::vector<IdRange>{{100000, 65536}, {165536, 10}}));
}

Definition definition(Init init) {
  Definition d;
  d.name = "web1";
  d.uuid = "6b1e1d2c-3f4a-4b5c-8d6e-7f8091a2b3c4";
  d.hostname = "www";
  d.init = init;
  d.ids = {0x80000, 65536};
  d.environment = {"A=1"};
  return d;
}

const BootPlaces kPlaces{"/run/vsd/contexts/web1", "/var/log/vsd/web1.log", 1_MiB};

TEST(BootPlan, OfSystemdCarriesTheDropInsAndMasksThatKeepItMovable) {
  const BootPlan plan = bootPlanFor(definition(Init::Systemd), kPlaces);
  EXPECT_EQ(plan.argv, std::vector<std::string>{"/sbin/init"});
  EXPECT_EQ(plan.init, InitKind::System);
  EXPECT_EQ(plan.hostname, "www");
  EXPECT_EQ(plan.environment,
            (std::vector<std::string>{
                "container=vsd", "container_uuid=6b1e1d2c-3f4a-4b5c-8d6e-7f8091a2b3c4",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux",
                "MEMORY_PRESSURE_WATCH=/dev/null", "A=1"}));
  std::vector<std::string> files;
  for (const RunFile& file : plan.runFiles)
    files.push_back(file.path + (file.linkTo.empty() ? "" : " -> " + file.linkTo));
  EXPECT_EQ(files, (std::vector<std::string>{
                       "systemd/system/service.d/50-vsd.conf", "systemd/system.conf.d/50-vsd.conf",
                       "systemd/system/dev-hugepages.mount -> /dev/null",
                       "systemd/system/sys-kernel-config.mount -> /dev/null",
                       "systemd/system/sys-kernel-debug.mount -> /dev/null",
                       "systemd/system/sys-kernel-tracing.mount -> /dev/null",
                       "systemd/system/sys-fs-fuse-connections.mount -> /dev/null",
                       "systemd/system/systemd-modules-load.service -> /dev/null"}));
}

TEST(BootPlan, OfACommandHasNothingOfSystemd) {
  Definition d = definition(Init::Command);
  d.command = {"/bin/app", "--serve"};
  const BootPlan plan = bootPlanFor(d, kPlaces);
  EXPECT_EQ(plan.argv, (std::vector<std::string>{"/bin/app", "--serve"}));
  EXPECT_EQ(plan.init, InitKind::Command);
  EXPECT_TRUE(plan.runFiles.empty());
}

TEST(StopSignal, IsPoweroffForSystemdAndTermForACommand) {
  EXPECT_EQ(stopSignalOf(Init::Systemd), SIGRTMIN + 4);
  EXPECT_EQ(stopSignalOf(Init::Command), SIGTERM);
}

}  // namespace
}  // namespace vs
