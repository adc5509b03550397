
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {
namespace {

// {"pid": "pid:[4026532451]"} as the lines a record shows.
Json withNamespaceLines(Json security, const std::string& name) {
  Json lines = Json::array();
  const Json namespaces = security.value("namespaces", Json::object());
  for (const auto& [kind, id] : namespaces.items())
    lines.push_back(fmt::format("{} {}", kind, id.is_string() ? id.get<std::string>() : id.dump()));
  security["namespaceList"] = std::move(lines);
  security["name"] = name;
  return security;
}

int showContexts(Session& session, const std::vector<std::string>& names) {
  Json items = Json::array();
  int code = kSuccess;
  for (const std::string& name : names) {
    try {
      items.push_back(session.call("Show", {{"name", name}}).at("context"));
    } catch (const api::CallError& error) {
      const int failure = session.report(error, name);
      if (code == kSuccess) code = failure;
    }
  }
  if (!items.empty() || code == kSuccess)
    session.printRecords("ContextList", kContextColumns, kContextFields, std::move(items));
  return code;
}

int showSecurity(Session& session, const std::vector<std::string>& names) {
  Json items = Json::array();
  for (const std::string& name : names)
    items.push_back(
        withNamespaceLines(session.call("ShowSecurity", {{"name", name}}).at("security"), name));
  session.printRecords("SecurityList", kSecurityFields, kSecurityFields, std::move(items));
  return kSuccess;
}

}  // namespace

Action showVerb(Flags& flags) {
  struct Options {
    Targets targets;
    bool security = false;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.toggle("--security", options->security, "how it is isolated, as found in the kernel");
  return [options](Session& session) {
    const std::vector<std::string> names = resolve(session, options->targets);
    return options->security ? showSecurity(session, names) : showContexts(session, names);
  };
}

}  // namespace vs::ctl
