
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsctl/wish.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action setVerb(Flags& flags) {
  struct Options {
    Targets targets;
    WishFlags wish;
    std::vector<std::string> unset;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  addWishFlags(flags, options->wish, For::Set);
  flags.list("--unset", options->unset, Flags::Split::AtCommas, "FIELD,...",
             "put fields back to their default");
  return [options](Session& session) {
    readKeyFiles(options->wish);
    Json changes = fieldsFrom(options->wish, session.rest());
    if (!options->unset.empty()) changes["unset"] = unsetFields(options->unset);
    if (changes.empty())
      throw invalid("nothing is to be changed")
          .withHint("'vsctl set --help' shows what can be set");
    std::vector<Work> works;
    for (const std::string& name : resolve(session, options->targets))
      works.push_back(
          {{"set", "changed"}, name, "Set", {{"name", name}, {"changes", changes}}, {}});
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
