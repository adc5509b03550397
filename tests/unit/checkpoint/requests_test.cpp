#include "checkpoint/requests.hpp"

#include <gtest/gtest.h>

#include "checkpoint/criu_rpc.pb.h"

namespace vs::checkpoint {
namespace {

std::string textOf(const std::string& bytes) {
  rpc::Request request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  return request.DebugString();
}

constexpr const char* kCommon = R"(  ext_unix_sk: true
  tcp_established: true
  shell_job: true
  file_locks: true
  log_level: 4
)";

TEST(Requests, ADumpLeavesToVsdWhatIsVsds) {
  DumpRequest dump;
  dump.pid = 4711;
  dump.images = 9;
  dump.freezer = "/cgroup";
  dump.externals = {"mnt[/dev/null]:vsd-dev-null"};
  EXPECT_EQ(textOf(encode(dump)), std::string(R"(type: DUMP
opts {
  images_dir_fd: 9
  pid: 4711
  leave_running: true
)") + kCommon + R"(  log_file: "dump.log"
  notify_scripts: true
  track_mem: true
  link_remap: true
  cpu_cap: 0
  force_irmap: true
  manage_cgroups_mode: IGNORE
  ghost_limit: 1073741824
  external: "mnt[/dev/null]:vsd-dev-null"
  empty_ns: 1073741824
  freeze_cgroup: "/cgroup"
  timeout: 120
  tcp_skip_in_flight: true
  orphan_pts_master: true
  network_lock: SKIP
}
)");
}

TEST(Requests, AFeatureCheckAsksForSomething) {
  EXPECT_EQ(textOf(encodeFeatureCheck()),
            "type: FEATURE_CHECK\nfeatures {\n  mem_track: true\n}\n");
}

TEST(Requests, ARestoreMakesTheInitAChildOfWhoCalledCriu) {
  RestoreRequest restore;
  restore.images = 9;
  restore.log = 10;
  restore.root = "/root";
  restore.externals = {"mnt[vsd-dev-null]:/external/vsd-dev-null"};
  EXPECT_EQ(textOf(encode(restore)), std::string(R"(type: RESTORE
opts {
  images_dir_fd: 9
)") + kCommon + R"(  log_file: "restore.log"
  notify_scripts: true
  root: "/root"
  work_dir_fd: 10
  link_remap: true
  cpu_cap: 0
  force_irmap: true
  rst_sibling: true
  manage_cgroups_mode: IGNORE
  ghost_limit: 1073741824
  external: "mnt[vsd-dev-null]:/external/vsd-dev-null"
  empty_ns: 1073741824
  timeout: 120
  orphan_pts_master: true
  tcp_close: false
  network_lock: SKIP
}
)");
}

TEST(Requests, AnAnswerIsANotificationsOwn) {
  EXPECT_EQ(textOf(encodeAnswer(true)), "type: NOTIFY\nnotify_success: true\n");
  EXPECT_EQ(textOf(encodeAnswer(false)), "type: NOTIFY\nnotify_success: false\n");
}

}  // namespace
}  // namespace vs::checkpoint
