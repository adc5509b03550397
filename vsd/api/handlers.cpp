#include "vsd/api/handlers.hpp"

#include "vsd/base/error.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs::api {

void addAllHandlers(Service& service, const Host& host, std::string version) {
  addHostHandlers(service, host, std::move(version));
  addContextHandlers(service, host);
  addQueryHandlers(service, host);
  addSessionHandlers(service, host);
  addSnapshotHandlers(service, host);
  addCheckpointHandlers(service, host);
  addScheduleHandlers(service, host);
  addArchiveHandlers(service, host);
  addStorageHandlers(service, host);
  addNetworkHandlers(service, host);
  addTemplateHandlers(service, host);
  addOperationHandlers(service, host);
}

Json operationReply(const OperationPicture& picture) { return {{"operation", toJson(picture)}}; }

OperationRequest requestOn(const std::string& verb, const std::string& name, const Json& also) {
  OperationRequest request;
  request.verb = verb;
  request.object = name;
  Json parameters = also;
  parameters["name"] = name;
  request.parameters = parameters.dump();
  return request;
}

std::shared_ptr<Fd> onlyDescriptor(Call& call, std::string_view purpose) {
  if (call.fds.size() != 1)
    throw invalid("{} needs one descriptor with the call, not {}", purpose, call.fds.size());
  return std::make_shared<Fd>(std::move(call.fds[0]));
}

Outcome runChange(const Host& host, const Call& call, Change change) {
  if (call.flag("dryRun")) return Answer{{{"plan", change.plan()}}, {}};
  change.plan();  // what would stop it is told before an operation is begun
  change.request.user = call.user;
  Watch watch;
  watch.operation = host.operations.start(change.request, std::move(change.work));
  watch.reply = operationReply;
  watch.once = call.flag("async");
  return watch;
}

}  // namespace vs::api
