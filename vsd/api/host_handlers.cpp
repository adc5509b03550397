#include <unistd.h>

#include "vsd/api/handlers.hpp"
#include "vsd/base/process.hpp"
#include "vsd/ops/check.hpp"
#include "vsd/ops/obstacles.hpp"
#include "vsd/ops/reconcile.hpp"

namespace vs::api {
namespace {

Outcome handleInfo(const Host& host, const std::string& version,
                   std::chrono::steady_clock::time_point since) {
  const std::vector<ContextPicture> contexts = host.contexts.all();
  std::int64_t running = 0;
  for (const ContextPicture& context : contexts) running += context.running ? 1 : 0;
  const auto uptime = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - since);
  return Answer{{{"version", version},
                 {"pid", ::getpid()},
                 {"uptime", uptime.count()},
                 {"host", hostName()},
                 {"stateDirectory", host.paths.state()},
                 {"contexts", contexts.size()},
                 {"running", running}},
                {}};
}

Outcome findingsAnswer(const std::vector<Finding>& found) {
  Json findings = Json::array();
  for (const Finding& finding : found) {
    Json json{{"area", finding.area},
              {"name", finding.name},
              {"state", nameOf(finding.state)},
              {"found", finding.found}};
    if (!finding.remedy.empty()) json["remedy"] = finding.remedy;
    findings.push_back(std::move(json));
  }
  return Answer{{{"findings", std::move(findings)}}, {}};
}

Outcome handleCheckMove(const Host& host, const Call& call) {
  const std::vector<FoundObstacle> all = obstaclesIn(host, call.parameters.at("name"));
  Json obstacles = Json::array();
  for (const FoundObstacle& found : all) {
    Json json{{"kind", found.obstacle.kind},
              {"found", found.obstacle.found},
              {"remedy", found.obstacle.remedy}};
    if (found.pid != 0) json["pid"] = found.pid;
    for (const auto& [key, text] :
         {std::pair("program", found.program), {"unit", found.unit}, {"place", found.where}})
      if (!text.empty()) json[key] = text;
    obstacles.push_back(std::move(json));
  }
  return Answer{{{"movable", all.empty()}, {"obstacles", std::move(obstacles)}}, {}};
}

}  // namespace

void addHostHandlers(Service& service, const Host& host, std::string version) {
  const auto since = std::chrono::steady_clock::now();
  service.add("Info", [&host, version = std::move(version), since](Call&) {
    return handleInfo(host, version, since);
  });
  service.add(
      "Check", [&host](Call&) { return findingsAnswer(checkHost(host)); }, Pace::Slow);
  service.add(
      "CheckMove", [&host](Call& call) { return handleCheckMove(host, call); }, Pace::Slow);
  service.add(
      "StorageCheck",
      [&host](Call& call) {
        return findingsAnswer(checkStorages(host, call.text("name").value_or("")));
      },
      Pace::Slow);
  service.add("Reconcile", [&host](Call& call) -> Outcome {
    return Answer{{{"differences", differences(host, call.flag("fix") ? Fix::Yes : Fix::No)}}, {}};
  });
}

}  // namespace vs::api
