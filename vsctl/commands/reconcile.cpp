
#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/session.hpp"

namespace vs::ctl {

Action reconcileVerb(Flags& flags) {
  auto fix = std::make_shared<bool>(false);
  flags.toggle("--fix", *fix, "also mend every difference");
  return [fix](Session& session) {
    const bool mends = *fix && !session.globals().dryRun;
    Json items = Json::array();
    const Json reply = session.call("Reconcile", {{"fix", mends}});
    for (const Json& difference : reply.at("differences"))
      items.push_back({{"difference", difference}});
    const bool clean = items.empty();
    if (clean) session.note("records and reality agree");
    if (!clean || !session.globals().isForPeople())
      session.printItems("DifferenceList", kDifferenceColumns, std::move(items));
    return clean || mends ? kSuccess : kFailure;
  };
}

}  // namespace vs::ctl
