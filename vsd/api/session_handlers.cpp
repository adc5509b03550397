#include "vsd/api/handlers.hpp"
#include "vsd/ops/exec.hpp"

namespace vs::api {
namespace {

std::uint16_t sizeIn(const Call& call, const char* field, std::uint16_t usual) {
  const std::int64_t value = call.number(field).value_or(usual);
  if (value < 0 || value > 65'535)
    throw invalid("{} {} does not lie between 0 and 65535", field, value);
  return static_cast<std::uint16_t>(value);
}

Outcome handleExec(const Host& host, Call& call) {
  ExecRequest request;
  request.context = call.parameters.at("name");
  request.plan.argv = call.texts("command");
  request.plan.environment = call.texts("environment");
  request.plan.workingDirectory = call.text("directory").value_or("");
  request.plan.user = call.text("user").value_or("");
  request.plan.terminal = call.flag("terminal");
  request.plan.columns = sizeIn(call, "columns", 80);
  request.plan.rows = sizeIn(call, "rows", 24);
  const std::size_t wanted = request.plan.terminal ? 1 : 4;
  if (call.fds.size() != wanted)
    throw invalid("exec in '{}' needs {} descriptors with the call, not {}", request.context,
                  wanted, call.fds.size());
  for (const std::string& entry : request.plan.environment)
    if (entry.find('=') == std::string::npos || entry[0] == '=' ||
        entry.find('\n') != std::string::npos)
      throw invalid("the environment entry '{}' is not NAME=VALUE on one line",
                    entry.substr(0, 60));
  request.talk = std::move(call.fds[0]);
  for (std::size_t i = 1; i < call.fds.size(); ++i) request.stdio[i - 1] = std::move(call.fds[i]);
  return Answer{{{"pid", exec(host, request)}}, {}};
}

Outcome handleConsole(const Host& host, Call& call) {
  Answer answer;
  answer.fds.push_back(openConsole(host, call.parameters.at("name").get<std::string>()));
  return answer;
}

}  // namespace

void addSessionHandlers(Service& service, const Host& host) {
  service.add(
      "Exec", [&host](Call& call) { return handleExec(host, call); }, Pace::Slow);
  service.add(
      "Console", [&host](Call& call) { return handleConsole(host, call); }, Pace::Slow);
}

}  // namespace vs::api
