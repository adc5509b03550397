
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsd/base/error.hpp"

namespace vs::ctl {

Action templateCreateVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string from;
    std::string description;
    std::string storage;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  flags.text("--from", options->from, "CONTEXT[@SNAPSHOT]", "what it shall hold");
  flags.text("--description", options->description, "TEXT", "what it is for");
  flags.text("--storage", options->storage, "STORAGE", "where it shall lie");
  return [options](Session& session) {
    if (options->from.empty())
      throw invalid("nothing was given that template '{}' shall hold", options->name)
          .withHint("say it with --from CONTEXT or --from CONTEXT@SNAPSHOT");
    const std::size_t at = options->from.find('@');
    Json parameters = {{"name", options->name}, {"context", options->from.substr(0, at)}};
    if (at != std::string::npos) parameters["snapshot"] = options->from.substr(at + 1);
    if (!options->description.empty()) parameters["description"] = options->description;
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    return carryOut(
        session,
        {{"create template", "created template"}, options->name, "TemplateCreate", parameters, {}});
  };
}

}  // namespace vs::ctl
