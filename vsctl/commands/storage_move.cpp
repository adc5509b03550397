#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/targets.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action storageMoveVerb(Flags& flags) {
  struct Options {
    Targets targets;
    std::string to;
    std::vector<std::string> force;
  };
  auto options = std::make_shared<Options>();
  addTargets(flags, options->targets);
  flags.text("--to", options->to, "STORAGE", "the storage that is to hold them");
  flags.list("--force", options->force, Flags::Split::AtCommas, "snapshots",
             "remove their snapshots, which cannot go along");
  return [options](Session& session) {
    static constexpr std::string_view kStates[] = {"stopped", "failed"};
    if (options->to.empty())
      throw invalid("where to is not said").withHint("give --to STORAGE; see 'vsctl storage list'");
    Json common = {{"storage", options->to}};
    for (const std::string& check : options->force) {
      if (check != "snapshots")
        throw invalid("--force={} is unknown; there is --force=snapshots", check);
      common["dropSnapshots"] = true;
    }
    const std::vector<std::string> names = resolve(session, options->targets, kStates);
    if (common.contains("dropSnapshots") && !names.empty() &&
        !session.confirm(fmt::format("remove all snapshots of {}?", join(names, ", ")))) {
      session.note("nothing was changed");
      return static_cast<int>(kFailure);
    }
    std::vector<Work> works;
    for (const std::string& name : names) {
      common["name"] = name;
      works.push_back({{"move", "moved"}, name, "StorageMove", common, {}});
    }
    return carryOut(session, works);
  };
}

}  // namespace vs::ctl
