#include "vsd/api/handlers.hpp"
#include "vsd/ops/picture_json.hpp"

namespace vs::api {
namespace {

constexpr int kListed = 1000;

Outcome handleList(const Host& host, const Call& call) {
  Json operations = Json::array();
  if (call.flag("all"))
    for (const OperationPicture& picture : host.operations.newest(kListed))
      operations.push_back(toJson(picture));
  else
    for (const OperationPicture& picture : host.operations.running())
      operations.push_back(toJson(picture));
  return Answer{{{"operations", std::move(operations)}}, {}};
}

Outcome handleWait(const Host& host, const Call& call) {
  const std::string id = call.parameters.at("id");
  const std::int64_t timeout = call.number("timeout").value_or(-1);
  Watch watch;
  watch.operation = host.operations.findRunning(id);
  if (!watch.operation) return Answer{operationReply(host.operations.show(id)), {}};
  watch.reply = operationReply;
  watch.failureIsError = false;
  if (timeout >= 0) watch.timeout = Millis(timeout);
  return watch;
}

Outcome handleAbort(const Host& host, const Call& call) {
  const std::string id = call.parameters.at("id");
  if (const auto operation = host.operations.findRunning(id))
    operation->cancel();
  else
    throw Error(Kind::InvalidState, fmt::format("operation {} has ended already ({})", id,
                                                nameOf(host.operations.show(id).state)));
  return Answer{operationReply(host.operations.show(id)), {}};
}

}  // namespace

void addOperationHandlers(Service& service, const Host& host) {
  service.add("OperationList", [&host](Call& call) { return handleList(host, call); });
  service.add("OperationShow", [&host](Call& call) -> Outcome {
    return Answer{operationReply(host.operations.show(call.parameters.at("id").get<std::string>())),
                  {}};
  });
  service.add("OperationWait", [&host](Call& call) { return handleWait(host, call); });
  service.add("OperationAbort", [&host](Call& call) { return handleAbort(host, call); });
}

}  // namespace vs::api
