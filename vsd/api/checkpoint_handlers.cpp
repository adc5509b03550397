#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/checkpoints.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs::api {
namespace {

Json checkpointJson(const Checkpoint& checkpoint) {
  Json json{{"name", checkpoint.name},
            {"memory", checkpoint.memory.value},
            {"troubles", checkpoint.troubles}};
  if (!checkpoint.created.empty()) json["created"] = checkpoint.created;
  if (!checkpoint.kernel.empty()) json["kernel"] = checkpoint.kernel;
  return json;
}

Outcome handleList(const Host& host, const Call& call) {
  Json checkpoints = Json::array();
  for (const Checkpoint& one : listCheckpoints(host, call.parameters.at("name")))
    checkpoints.push_back(checkpointJson(one));
  return Answer{{{"checkpoints", std::move(checkpoints)}}, {}};
}

Outcome handleShow(const Host& host, const Call& call) {
  const Checkpoint found =
      showCheckpoint(host, call.parameters.at("name"), call.parameters.at("checkpoint"));
  return Answer{{{"checkpoint", checkpointJson(found)}}, {}};
}

Outcome handleCreate(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string point = call.text("checkpoint").value_or(snapshotName());
  const auto look = call.flag("try") ? Obstacles::Try : Obstacles::Refuse;
  const auto context = host.contexts.findIfAny(name);
  const bool frozen = context && context->state == State::Frozen;
  return runChange(
      host, call,
      {requestOn("checkpoint create", name, {{"checkpoint", point}, {"frozen", frozen}}),
       [&host, name, point, look] { return planCreateCheckpoint(host, name, point, look); },
       [&host, name, point, look](Operation& operation) {
         createCheckpoint(host, name, point, look, operation);
       }});
}

Outcome handleRestore(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string point = call.parameters.at("checkpoint");
  return runChange(host, call,
                   {requestOn("checkpoint restore", name, {{"checkpoint", point}}),
                    [&host, name, point] { return planRestoreCheckpoint(host, name, point); },
                    [&host, name, point](Operation& operation) {
                      restoreCheckpoint(host, name, point, operation);
                    }});
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string point = call.parameters.at("checkpoint");
  return runChange(host, call,
                   {requestOn("checkpoint remove", name, {{"checkpoint", point}}),
                    [&host, name, point] { return planRemoveCheckpoint(host, name, point); },
                    [&host, name, point](Operation& operation) {
                      removeCheckpoint(host, name, point, operation);
                    }});
}

}  // namespace

void addCheckpointHandlers(Service& service, const Host& host) {
  const std::pair<const char*, Outcome (*)(const Host&, const Call&)> table[] = {
      {"CheckpointList", handleList},     {"CheckpointShow", handleShow},
      {"CheckpointCreate", handleCreate}, {"CheckpointRestore", handleRestore},
      {"CheckpointRemove", handleRemove},
  };
  for (const auto& [name, function] : table)
    service.add(
        name, [&host, function = function](Call& call) { return function(host, call); },
        Pace::Slow);
}

}  // namespace vs::api
