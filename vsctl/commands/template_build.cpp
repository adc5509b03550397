
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action templateBuildVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string definition;
    std::string mirror;
    std::vector<std::string> packages;
    std::string storage;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  flags.text("--definition", options->definition, "NAME", "how to build it (NAME)");
  flags.text("--mirror", options->mirror, "URL", "package mirror instead of the definition's");
  flags.list("--package", options->packages, Flags::Split::AtCommas, "NAME,...",
             "packages besides the definition's");
  flags.text("--storage", options->storage, "STORAGE", "where it shall lie");
  return [options](Session& session) {
    Json parameters = {{"name", options->name}};
    if (!options->definition.empty()) parameters["definition"] = options->definition;
    if (!options->mirror.empty()) parameters["mirror"] = options->mirror;
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    if (!options->packages.empty()) parameters["packages"] = options->packages;
    return carryOut(
        session,
        {{"build template", "built template"}, options->name, "TemplateBuild", parameters, {}});
  };
}

}  // namespace vs::ctl
