#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/ops/schedule.hpp"

namespace vs::api {
namespace {

Json ruleJson(const Rule& rule) {
  Json json{{"period", nameOf(rule.period)},
            {"keep", rule.keep},
            {"kept", rule.kept},
            {"next", formatTime(rule.next)}};
  if (!rule.newest.empty()) json["newest"] = rule.newest;
  return json;
}

Outcome handleShow(const Host& host, const std::string& name) {
  Json reply{{"rules", Json::array()}};
  for (const Rule& rule : showSchedule(host, name)) reply["rules"].push_back(ruleJson(rule));
  if (const std::string trouble = host.contexts.find(name).snapshotTrouble; !trouble.empty())
    reply["trouble"] = trouble;
  return Answer{std::move(reply), {}};
}

Outcome handleSet(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const Schedule schedule = scheduleFrom(call.parameters.at("schedule"));
  return runChange(
      host, call,
      {requestOn("snapshot schedule", name, {{"schedule", call.parameters.at("schedule")}}),
       [&host, name, schedule] { return planSchedule(host, name, schedule); },
       [&host, name, schedule](Operation& operation) {
         setSchedule(host, name, schedule, operation);
       }});
}

}  // namespace

void addScheduleHandlers(Service& service, const Host& host) {
  service.add(
      "SnapshotSchedule", [&host](Call& call) { return handleSet(host, call); }, Pace::Slow);
  service.add(
      "SnapshotScheduleShow",
      [&host](Call& call) { return handleShow(host, call.parameters.at("name")); }, Pace::Slow);
}

}  // namespace vs::api
