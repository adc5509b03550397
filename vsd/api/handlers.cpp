#include "vsd/api/handlers.hpp"

#include "vsd/base/error.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs::api {

Json operationReply(const OperationPicture& picture) { return {{"operation", toJson(picture)}}; }

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
