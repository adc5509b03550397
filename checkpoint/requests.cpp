#include "checkpoint/requests.hpp"

#include <sched.h>

#include "checkpoint/criu_rpc.pb.h"

namespace vs::checkpoint {
namespace {

constexpr int kLogLevel = 4;         // with every step: what failed is told by what was begun
constexpr unsigned kTimeout = 120;   // seconds to seize what is frozen already
constexpr unsigned kNoCpuCheck = 0;  // vsd has compared what programs can tell (cpu.hpp)

rpc::Request requestOf(rpc::Type type, int images, const char* log) {
  rpc::Request request;
  request.set_type(type);
  rpc::Options& options = *request.mutable_opts();
  options.set_images_dir_fd(images);
  options.set_log_level(kLogLevel);
  options.set_log_file(log);
  options.set_notify_scripts(true);
  options.set_tcp_established(true);
  options.set_ext_unix_sk(true);
  options.set_file_locks(true);
  options.set_link_remap(true);
  options.set_force_irmap(true);
  options.set_ghost_limit(kGhostLimit);
  options.set_manage_cgroups_mode(rpc::IGNORE);
  options.set_empty_ns(CLONE_NEWNET);
  options.set_network_lock(rpc::SKIP);
  options.set_timeout(kTimeout);
  options.set_cpu_cap(kNoCpuCheck);
  // The other end of the console is its monitor's, whether it is somebody's terminal or nobody's.
  options.set_orphan_pts_master(true);
  options.set_shell_job(true);
  return request;
}

void addExternals(rpc::Options& options, const std::vector<std::string>& externals) {
  for (const std::string& external : externals) options.add_external(external);
}

}  // namespace

std::string encode(const DumpRequest& dump) {
  rpc::Request request = requestOf(rpc::DUMP, dump.images, kDumpLog);
  rpc::Options& options = *request.mutable_opts();
  options.set_pid(dump.pid);
  // Half open ones: their other ends ask again.
  options.set_tcp_skip_in_flight(true);
  options.set_track_mem(true);
  // Who asks ends the tasks. criu only says that they may go on: else it would not give terminals
  // back what it has read from them, nor their mode, when the dump is refused in the end.
  options.set_leave_running(true);
  options.set_freeze_cgroup(dump.freezer);
  addExternals(options, dump.externals);
  return request.SerializeAsString();
}

std::string encode(const RestoreRequest& restore) {
  rpc::Request request = requestOf(rpc::RESTORE, restore.images, kRestoreLog);
  rpc::Options& options = *request.mutable_opts();
  options.set_work_dir_fd(restore.log);
  options.set_root(restore.root);
  options.set_rst_sibling(true);
  options.set_tcp_close(restore.tcp == RestoreRequest::Tcp::Close);
  addExternals(options, restore.externals);
  return request.SerializeAsString();
}

std::string encodeFeatureCheck() {
  rpc::Request request;
  request.set_type(rpc::FEATURE_CHECK);
  request.mutable_features()->set_mem_track(true);
  return request.SerializeAsString();
}

std::string encodeAnswer(bool success) {
  rpc::Request request;
  request.set_type(rpc::NOTIFY);
  request.set_notify_success(success);
  return request.SerializeAsString();
}

}  // namespace vs::checkpoint
