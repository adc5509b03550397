#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {

Action networkImportVerb(Flags& flags) {
  struct Options {
    std::string file;
    std::string device;
  };
  auto options = std::make_shared<Options>();
  flags.operand("FILE", options->file);
  flags.text("--device", options->device, "DEVICE", "the trunk (that of vsd.toml)");
  return [options](Session& session) {
    Json parameters = {{"text", readFile(options->file, 1U << 20)}, {"file", options->file}};
    if (!options->device.empty()) parameters["device"] = options->device;
    return carryOut(
        session,
        {{"import networks", "imported networks"}, options->file, "NetworkImport", parameters, {}});
  };
}

}  // namespace vs::ctl
