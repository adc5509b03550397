#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs::api {
namespace {

// The operation holds the context.
OperationRequest requestFor(const std::string& verb, const std::string& name, const Json& also) {
  OperationRequest request;
  request.verb = verb;
  request.object = name;
  Json parameters = also;
  parameters["name"] = name;
  request.parameters = parameters.dump();
  return request;
}

Outcome handleList(const Host& host, const std::string& name) {
  host.contexts.find(name);
  Json snapshots = Json::array();
  for (const storage::Snapshot& snapshot : storageOf(host, name)->listSnapshots(name))
    snapshots.push_back(
        {{"name", snapshot.name}, {"created", snapshot.created}, {"size", snapshot.size.value}});
  return Answer{{{"snapshots", std::move(snapshots)}}, {}};
}

Outcome handleCreate(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string snapshot = call.text("snapshot").value_or(snapshotName());
  return runChange(host, call,
                   {requestFor("snapshot create", name, {{"snapshot", snapshot}}),
                    [&host, name, snapshot] {
                      checkSnapshotCreate(host, name, snapshot);
                      return std::vector<std::string>{
                          fmt::format("take the snapshot '{}' of the volume '{}'", snapshot, name)};
                    },
                    [&host, name, snapshot](Operation& operation) {
                      createSnapshot(host, name, snapshot, operation);
                    }});
}

Outcome handleRestore(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string snapshot = call.parameters.at("snapshot");
  return runChange(
      host, call,
      {requestFor("snapshot restore", name, {{"snapshot", snapshot}}),
       [&host, name, snapshot] {
         checkSnapshotRestore(host, name, snapshot);
         return std::vector<std::string>{
             fmt::format("destroy what the volume '{}' holds now", name),
             fmt::format("make it again from its snapshot '{}', which stays", snapshot)};
       },
       [&host, name, snapshot](Operation& operation) {
         restoreSnapshot(host, name, snapshot, operation);
       }});
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string snapshot = call.parameters.at("snapshot");
  return runChange(host, call,
                   {requestFor("snapshot remove", name, {{"snapshot", snapshot}}),
                    [&host, name, snapshot] {
                      checkSnapshotRemove(host, name, snapshot);
                      return std::vector<std::string>{fmt::format(
                          "remove the snapshot '{}' of the volume '{}'", snapshot, name)};
                    },
                    [&host, name, snapshot](Operation& operation) {
                      removeSnapshot(host, name, snapshot, operation);
                    }});
}

Outcome handleResize(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::int64_t wanted = call.parameters.at("size");
  if (wanted <= 0) throw invalid("context '{}' cannot have the size {}", name, wanted);
  const Bytes size{static_cast<std::uint64_t>(wanted)};
  return runChange(
      host, call,
      {requestFor("resize", name, {{"size", size.value}}),
       [&host, name, size] {
         checkResize(host, name, size);
         return std::vector<std::string>{
             fmt::format("give the volume '{}' and its file system a size of {}", name,
                         formatBytes(size)),
             fmt::format("record the size of context '{}'", name)};
       },
       [&host, name, size](Operation& operation) { resize(host, name, size, operation); }});
}

Outcome handleFsck(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const auto repair = call.flag("repair") ? storage::Repair::Yes : storage::Repair::No;
  return runChange(
      host, call,
      {requestFor("fsck", name, {{"repair", call.flag("repair")}}),
       [&host, name, repair] {
         checkFsck(host, name, repair);
         std::vector<std::string> plan;
         if (repair == storage::Repair::Yes)
           plan.push_back(fmt::format("take a snapshot of the volume '{}'", name));
         plan.push_back(fmt::format("check the file system on the volume '{}'{}", name,
                                    repair == storage::Repair::Yes ? " and mend it" : ""));
         return plan;
       },
       [&host, name, repair](Operation& operation) { fsck(host, name, repair, operation); }});
}

}  // namespace

void addSnapshotHandlers(Service& service, const Host& host) {
  const auto add = [&](const std::string& method, Handler handler) {
    service.add(method, std::move(handler), Pace::Slow);  // they may have to ask lvm
  };
  add("SnapshotList", [&host](Call& call) { return handleList(host, call.parameters.at("name")); });
  add("SnapshotCreate", [&host](Call& call) { return handleCreate(host, call); });
  add("SnapshotRestore", [&host](Call& call) { return handleRestore(host, call); });
  add("SnapshotRemove", [&host](Call& call) { return handleRemove(host, call); });
  add("Fsck", [&host](Call& call) { return handleFsck(host, call); });
  add("Resize", [&host](Call& call) { return handleResize(host, call); });
}

}  // namespace vs::api
