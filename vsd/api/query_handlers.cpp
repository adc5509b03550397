#include <dirent.h>

#include <algorithm>
#include <set>

#include "vsd/api/handlers.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/kernel/capabilities.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/ops/exec.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/undo.hpp"

namespace vs::api {
namespace {

constexpr Millis kSystemStateTime{3'000};

Json usageJson(const Host& host, const std::string& name) {
  const ResourceUsage usage = cgroupOf(host, name).usage();
  Json json = Json::object();
  if (usage.memory) json["memory"] = usage.memory->value;
  if (usage.pids) json["pids"] = *usage.pids;
  if (usage.cpuTime) json["cpuTime"] = *usage.cpuTime;
  return json;
}

Json contextJson(const Host& host, const ContextPicture& context) {
  const std::string& name = context.definition.name;
  Json json{{"definition", toJson(context.definition)},
            {"state", nameOf(context.state)},
            {"goal", nameOf(context.goal)},
            {"addresses", Json::array()},
            {"notes", Json::array()}};
  for (const LinkDefinition& link : context.definition.links)
    for (const std::string& address : link.addresses) json["addresses"].push_back(address);
  if (context.running) {
    json["pid"] = context.running->init.pid();
    json["since"] = formatTime(std::chrono::system_clock::from_time_t(context.running->since));
  }
  if (context.obstacles) json["movable"] = context.obstacles->empty() ? "yes" : "no";
  json["obstacles"] = context.obstacles.value_or(std::vector<std::string>());
  if (!context.ended.empty()) json["ended"] = context.ended;
  if (context.removing) json["notes"].push_back("it is being removed");
  if (const auto operation = host.operations.runningOn(name))
    json["operation"] = operation->picture().id;
  return json;
}

Outcome handleList(const Host& host, const Call& call) {
  const std::vector<std::string> names = call.texts("names");
  const std::set<std::string> wanted(names.begin(), names.end());
  Json contexts = Json::array();
  for (const ContextPicture& context : host.contexts.all()) {
    if (!wanted.empty() && !wanted.contains(context.definition.name)) continue;
    Json json = contextJson(host, context);
    if (call.flag("usage") && context.running)
      json["usage"] = usageJson(host, context.definition.name);
    contexts.push_back(std::move(json));
  }
  return Answer{{{"contexts", std::move(contexts)}}, {}};
}

// Of an undoable disk whose context is down; what cannot be asked must not hide the rest.
void noteUndo(const Host& host, const ContextPicture& context, Json& notes) {
  const std::string& name = context.definition.name;
  try {
    if (isDown(context.state) && hasUndo(host, context.definition))
      notes.push_back(
          fmt::format("what it changed when it last ran is neither kept nor discarded: "
                      "say 'vsctl undo {} keep' or 'discard'",
                      name));
  } catch (const Error& error) {
    notes.push_back(error.text());
  }
}

Outcome handleShow(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const ContextPicture context = host.contexts.find(name);
  Json json = contextJson(host, context);
  if (context.running) json["usage"] = usageJson(host, name);
  if (const std::string state = systemStateOf(host, name, kSystemStateTime); !state.empty())
    json["systemState"] = state;
  noteUndo(host, context, json["notes"]);
  if (context.definition.init == Init::Systemd && context.definition.profile == Profile::System)
    json["notes"].push_back(
        "units' own sandboxing (ProtectSystem=, PrivateTmp=) does nothing inside: it keeps the "
        "context movable");
  return Answer{{{"context", std::move(json)}}, {}};
}

// The value of a "Name:\tvalue" line of /proc/PID/status.
std::string statusLine(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name + ":");
  if (at == std::string::npos) return {};
  const std::size_t start = status.find_first_not_of(" \t", at + name.size() + 1);
  return status.substr(start, status.find('\n', start) - start);
}

std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string squeezed;
  for (const char c : text)
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  while (!squeezed.empty() && squeezed.back() == ' ') squeezed.pop_back();
  return squeezed;
}

// Without AppArmor the file is there, but reading it is an error (EINVAL).
std::optional<std::string> appArmorLabel(const std::string& proc) {
  try {
    const auto label = readFileIfExists(proc + "/attr/current");
    if (label && !label->empty()) return oneLine(*label);
  } catch (const Error& error) {
    log::debug("{}, ignoring", error.text());
  }
  return std::nullopt;
}

Outcome handleShowSecurity(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const ContextPicture context = host.contexts.find(name);
  if (!context.running)
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {}: its isolation is seen when it runs", name,
                            nameOf(context.state)));
  const std::string proc = fmt::format("/proc/{}", context.running->init.pid());
  const std::string status = readFile(proc + "/status");
  Json namespaces = Json::object();
  for (const std::string& kind : listDirectory(proc + "/ns")) {
    char target[128] = {};
    if (::readlink((proc + "/ns/" + kind).c_str(), target, sizeof target - 1) > 0)
      namespaces[kind] = target;
  }
  Json devices = Json::array();
  for (const DeviceNode& device : defaultDevices()) devices.push_back("/dev/" + device.name);
  const Covers covers = defaultCovers(isolationOf(context.definition));
  Json covered = covers.emptyFiles;
  for (const auto* list : {&covers.emptyDirectories, &covers.readOnly})
    for (const std::string& path : *list) covered.push_back(path);
  const std::string mode = statusLine(status, "Seccomp");
  Json security{
      {"idMap", oneLine(readFile(proc + "/uid_map"))},
      {"namespaces", std::move(namespaces)},
      {"capabilities", capabilityNames(std::stoull(statusLine(status, "CapBnd"), nullptr, 16))},
      {"seccomp", mode == "2"
                      ? fmt::format("filtered ({} filters)", statusLine(status, "Seccomp_filters"))
                      : "off"},
      {"devices", std::move(devices)},
      {"coveredPaths", std::move(covered)},
      {"notes", Json::array()}};
  if (const auto label = appArmorLabel(proc)) security["appArmor"] = *label;
  if (context.definition.profile == Profile::System)
    security["notes"].push_back(
        "nested namespaces are denied, so that it stays movable: units' own ProtectSystem=, "
        "PrivateTmp= and the like do nothing inside");
  else
    security["notes"].push_back("nested namespaces are allowed: this context cannot be moved live");
  return Answer{{{"security", std::move(security)}}, {}};
}

Outcome handleLog(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const std::int64_t lines = call.number("lines").value_or(0);
  if (lines < 0) throw invalid("the number of lines {} is negative", lines);
  const LogPart part = readLog(host, name, static_cast<std::size_t>(lines));
  if (!call.flag("follow")) return Answer{{{"text", part.text}}, {}};
  auto position = std::make_shared<std::uint64_t>(part.end);
  return Follow{{{"text", part.text}}, [&host, name, position]() -> std::optional<Json> {
                  const LogPart more = readLogFrom(host, name, *position);
                  *position = more.end;
                  if (more.text.empty()) return std::nullopt;
                  return Json{{"text", more.text}};
                }};
}

}  // namespace

void addQueryHandlers(Service& service, const Host& host) {
  service.add("List", [&host](Call& call) { return handleList(host, call); });
  service.add(
      "Show", [&host](Call& call) { return handleShow(host, call); }, Pace::Slow);
  service.add("ShowSecurity", [&host](Call& call) { return handleShowSecurity(host, call); });
  service.add("Log", [&host](Call& call) { return handleLog(host, call); });
}

}  // namespace vs::api
