
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {
namespace {

// "done      unpack template  1.2s" for each step, as the record shows them.
Json withStepLines(Json operation) {
  Json lines = Json::array();
  for (const Json& step : operation.value("steps", Json::array())) {
    std::string line = fmt::format("{:<8} {}", step.value("state", ""), step.value("name", ""));
    const Json duration = step.value("duration", Json());
    if (duration.is_number()) line += " " + formatDuration(Millis(duration.get<std::int64_t>()));
    lines.push_back(std::move(line));
  }
  operation["stepLines"] = std::move(lines);
  return operation;
}

}  // namespace

Action operationShowVerb(Flags& flags) {
  auto ids = std::make_shared<std::vector<std::string>>();
  flags.operands("ID", *ids, Flags::Need::Required);
  return [ids](Session& session) {
    const bool isRecord = session.globals().formatKind() == Format::Table;
    Json items = Json::array();
    for (const std::string& id : *ids) {
      Json operation = session.call("OperationShow", {{"id", id}}).at("operation");
      items.push_back(isRecord ? withStepLines(std::move(operation)) : std::move(operation));
    }
    session.printRecords("OperationList", kOperationColumns, kOperationFields, std::move(items));
    return kSuccess;
  };
}

}  // namespace vs::ctl
