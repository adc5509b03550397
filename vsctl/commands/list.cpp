#include <algorithm>

#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"
#include "vsctl/targets.hpp"

namespace vs::ctl {
namespace {

// What contexts use is read from their cgroups, so it is asked for only where it is shown.
bool needsUsage(const Globals& globals) {
  return globals.formatKind() != Format::Name || !globals.filters.empty() || !globals.sort.empty();
}

std::string nameOf(const Json& context) { return context.at("definition").value("name", ""); }

Json listed(Session& session, const Targets& targets) {
  const bool everything = targets.words.empty();
  const Json usage = needsUsage(session.globals());
  if (everything || !areAllNames(targets)) {
    const Json contexts = session.call("List", {{"usage", usage}}).at("contexts");
    if (everything) return contexts;
    const std::vector<std::string> names = chooseNames(targets, contexts, {});
    Json chosen = Json::array();
    for (const Json& context : contexts)
      if (std::ranges::find(names, nameOf(context)) != names.end()) chosen.push_back(context);
    return chosen;
  }
  return session.call("List", {{"names", targets.words}, {"usage", usage}}).at("contexts");
}

}  // namespace

Action listVerb(Flags& flags) {
  auto targets = std::make_shared<Targets>();
  addTargets(flags, *targets, AllFlag::No);
  return [targets](Session& session) {
    session.printItems("ContextList", kContextColumns, listed(session, *targets));
    return kSuccess;
  };
}

}  // namespace vs::ctl
