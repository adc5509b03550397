#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/ownership.hpp"
#include "vsd/ops/storage_move.hpp"
#include "vsd/ops/storages.hpp"

namespace vs::api {
namespace {

OperationRequest requestFor(const std::string& verb, const std::string& object, Json parameters) {
  OperationRequest request;
  request.verb = verb;
  request.object = object;
  request.parameters = parameters.dump();
  return request;
}

Json storageJson(const StoragePicture& picture) {
  Json json{{"name", picture.name},
            {"tier", picture.can.tier},
            {"volumes", picture.volumes},
            {"templates", picture.templates},
            {"copies", picture.can.copyMethod},
            {"snapshots", picture.can.snapshots}};
  if (!picture.group.empty()) json["group"] = picture.group;
  if (!picture.trouble.empty()) json["trouble"] = picture.trouble;
  if (!picture.space) return json;
  json["size"] = picture.space->size.value;
  json["used"] = picture.space->used.value;
  if (picture.group.empty()) return json;
  json["promised"] = picture.space->promised.value;
  json["growth"] = picture.space->growth.value;
  if (!picture.space->fileSystem.empty()) json["fileSystem"] = picture.space->fileSystem;
  json["metadata"] = static_cast<std::int64_t>(picture.space->metadataPercent);
  return json;
}

Outcome handleAdd(const Host& host, const Call& call) {
  StorageAddRequest wish;
  wish.name = call.parameters.at("name");
  wish.tier = call.text("tier").value_or("");
  wish.device = call.text("device").value_or("");
  wish.group = call.text("group").value_or("");
  if (const auto size = call.number("size")) {
    if (*size <= 0) throw invalid("a pool cannot have the size {}", *size);
    wish.size = Bytes{static_cast<std::uint64_t>(*size)};
  }
  wish.wipe = call.flag("wipe");
  wish.fileSystem = call.text("fileSystem").value_or("");
  const StorageAddRequest request = completeStorage(host, std::move(wish));
  return runChange(
      host, call,
      {requestFor("storage add", "storage " + request.name,
                  {{"name", request.name},
                   {"tier", request.tier},
                   {"group", request.group},
                   {"device", request.device}}),
       [&host, request] { return planAddStorage(host, request); },
       [&host, request](Operation& operation) { addStorage(host, request, operation); }});
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  return runChange(host, call,
                   {requestFor("storage remove", "storage " + name, {{"name", name}}),
                    [&host, name] { return planRemoveStorage(host, name); },
                    [&host, name](Operation& operation) { removeStorage(host, name, operation); }});
}

Outcome handleMove(const Host& host, const Call& call) {
  const StorageMoveRequest request{call.parameters.at("name"), call.parameters.at("storage"),
                                   call.flag("dropSnapshots")
                                       ? StorageMoveRequest::Snapshots::Lose
                                       : StorageMoveRequest::Snapshots::Refuse};
  const std::string from = host.contexts.find(request.name).definition.storage;
  return runChange(
      host, call,
      {requestFor("storage move", request.name,
                  {{"name", request.name}, {"from", from}, {"to", request.to}}),
       [&host, request] { return planStorageMove(host, request); },
       [&host, request](Operation& operation) { storageMove(host, request, operation); }});
}

Outcome handleTake(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::string storage = storageToTakeFrom(host, name, call.text("storage").value_or(""));
  return runChange(
      host, call,
      {requestFor("take", name, {{"name", name}, {"storage", storage}}),
       [&host, name, storage] { return planTake(host, name, storage); },
       [&host, name, storage](Operation& operation) { take(host, name, storage, operation); }});
}

Outcome handleHandover(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const HandoverStep step = handoverStepFrom(call.parameters.at("step").get<std::string>());
  const std::string storage = storageToTakeFrom(host, name, call.text("storage").value_or(""));
  return runChange(
      host, call,
      {requestFor("handover", name, {{"name", name}, {"storage", storage}}),
       [&host, name, storage, step] { return planHandover(host, name, storage, step); },
       [&host, name, storage, step](Operation& operation) {
         handOver(host, name, storage, step, operation);
       }});
}

Outcome handleList(const Host& host) {
  Json storages = Json::array();
  for (const StoragePicture& picture : listStorages(host)) storages.push_back(storageJson(picture));
  return Answer{{{"storages", std::move(storages)}}, {}};
}

}  // namespace

void addStorageHandlers(Service& service, const Host& host) {
  // All of them ask lvm.
  const auto add = [&](const std::string& method, Handler handler) {
    service.add(method, std::move(handler), Pace::Slow);
  };
  add("StorageList", [&host](Call&) { return handleList(host); });
  add("StorageShow", [&host](Call& call) -> Outcome {
    return Answer{{{"storage", storageJson(showStorage(host, call.parameters.at("name")))}}, {}};
  });
  add("StorageAdd", [&host](Call& call) { return handleAdd(host, call); });
  add("Take", [&host](Call& call) { return handleTake(host, call); });
  add("StorageHandover", [&host](Call& call) { return handleHandover(host, call); });
  add("StorageMove", [&host](Call& call) { return handleMove(host, call); });
  add("StorageRemove", [&host](Call& call) { return handleRemove(host, call); });
}

}  // namespace vs::api
