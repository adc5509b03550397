
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/text.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/units.hpp"

namespace vs::ctl {

Action storageAddVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string tier;
    std::string device;
    std::string group;
    std::string size;
    std::string fileSystem;
    std::vector<std::string> force;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  flags.text("--tier", options->tier, "TIER", "thin (default) or shared");
  flags.text("--device", options->device, "DEVICE", "an empty disk or partition to use");
  flags.text("--vg", options->group, "GROUP", "the volume group (with --device: its new name)");
  flags.text("--size", options->size, "SIZE", "of a thin pool (nearly all the group has free)");
  flags.text("--fs", options->fileSystem, "TYPE", "of its volumes: ext4 (default) or xfs");
  flags.list("--force", options->force, Flags::Split::AtCommas, "wipe",
             "destroy what the device holds");
  return [options](Session& session) {
    Json parameters = {{"name", options->name}};
    if (!options->tier.empty()) parameters["tier"] = options->tier;
    if (!options->device.empty()) parameters["device"] = options->device;
    if (!options->group.empty()) parameters["group"] = options->group;
    if (!options->size.empty()) parameters["size"] = parseBytes(options->size, "--size").value;
    if (!options->fileSystem.empty()) parameters["fileSystem"] = options->fileSystem;
    for (const std::string& check : options->force) {
      if (check != "wipe") throw invalid("--force={} is unknown; there is --force=wipe", check);
      parameters["wipe"] = true;
    }
    if (parameters.contains("wipe") && !session.globals().dryRun &&
        !session.confirm(fmt::format("destroy what {} holds?", options->device))) {
      session.note("nothing was changed");
      return static_cast<int>(kFailure);
    }
    return carryOut(
        session, {{"add storage", "added storage"}, options->name, "StorageAdd", parameters, {}});
  };
}

}  // namespace vs::ctl
