#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/snapshot_diff.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs::api {
namespace {

std::string_view wordFor(storage::MadeBy by) {
  switch (by) {
    case storage::MadeBy::Schedule:
      return "schedule";
    case storage::MadeBy::Undo:
      return "undo";
    case storage::MadeBy::User:
      break;
  }
  return "user";
}

Json snapshotJson(const storage::Snapshot& snapshot) {
  Json json{{"name", snapshot.name},
            {"created", snapshot.created},
            {"size", snapshot.size.value},
            {"by", wordFor(snapshot.by)}};
  if (snapshot.mapped) json["mapped"] = snapshot.mapped->value;
  return json;
}

Outcome handleList(const Host& host, const std::string& name) {
  const std::string trouble = host.contexts.find(name).snapshotTrouble;
  Json snapshots = Json::array();
  for (const storage::Snapshot& snapshot : storageOf(host, name)->listSnapshots(name))
    snapshots.push_back(snapshotJson(snapshot));
  Json reply{{"snapshots", std::move(snapshots)}};
  if (!trouble.empty()) reply["trouble"] = trouble;
  return Answer{std::move(reply), {}};
}

Outcome handleShow(const Host& host, const std::string& name, const std::string& snapshot) {
  needSnapshot(host, name, snapshot);
  return Answer{{{"snapshot", snapshotJson(storageOf(host, name)->showSnapshot(name, snapshot))}},
                {}};
}

Outcome handleDiff(const Host& host, Call& call) {
  const DiffRequest diffRequest{call.parameters.at("name"), call.parameters.at("snapshot"),
                                call.text("other").value_or("")};
  const auto out = onlyDescriptor(call, "a comparison");
  OperationRequest request =
      requestOn("snapshot diff", diffRequest.context, {{"snapshot", diffRequest.snapshot}});
  request.manner = Manner::Yields;
  return runChange(
      host, call,
      {std::move(request), [&host, diffRequest] { return planDiff(host, diffRequest); },
       [&host, diffRequest, out](Operation& operation) {
         diff(host, diffRequest, out->get(), operation);
       }});
}

Outcome handleCreate(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string snapshot = call.text("snapshot").value_or(snapshotName());
  return runChange(host, call,
                   {requestOn("snapshot create", name, {{"snapshot", snapshot}}),
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
      {requestOn("snapshot restore", name, {{"snapshot", snapshot}}),
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
                   {requestOn("snapshot remove", name, {{"snapshot", snapshot}}),
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
      {requestOn("resize", name, {{"size", size.value}}),
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
      {requestOn("fsck", name, {{"repair", call.flag("repair")}}),
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
  add("SnapshotShow", [&host](Call& call) {
    return handleShow(host, call.parameters.at("name"), call.parameters.at("snapshot"));
  });
  add("SnapshotDiff", [&host](Call& call) { return handleDiff(host, call); });
  add("SnapshotCreate", [&host](Call& call) { return handleCreate(host, call); });
  add("SnapshotRestore", [&host](Call& call) { return handleRestore(host, call); });
  add("SnapshotRemove", [&host](Call& call) { return handleRemove(host, call); });
  add("Fsck", [&host](Call& call) { return handleFsck(host, call); });
  add("Resize", [&host](Call& call) { return handleResize(host, call); });
}

}  // namespace vs::api
