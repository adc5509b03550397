#include "vsctl/archive_file.hpp"
#include "vsctl/commands/commands.hpp"

namespace vs::ctl {

Action templateImportVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string file;
    std::string description;
    std::string init;
    std::string source;
    std::string storage;
  };
  auto options = std::make_shared<Options>();
  flags.operand("NAME", options->name);
  flags.operand("FILE", options->file);
  flags.text("--description", options->description, "TEXT", "what it is");
  flags.text("--init", options->init, "KIND", "systemd, sysv or command");
  flags.text("--source", options->source, "TEXT", "where the archive came from");
  flags.text("--storage", options->storage, "STORAGE", "where it shall lie");
  return [options](Session& session) {
    const Fd file = openArchive(options->file);
    Json parameters = {{"name", options->name}};
    if (!options->description.empty()) parameters["description"] = options->description;
    if (!options->init.empty()) parameters["init"] = options->init;
    if (!session.rest().empty()) parameters["command"] = session.rest();
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    if (!options->source.empty())
      parameters["source"] = options->source;
    else if (options->file != "-")
      parameters["source"] = options->file;
    return carryOut(session, {{"import template", "imported template"},
                              options->name,
                              "TemplateImport",
                              parameters,
                              {file.get()}});
  };
}

}  // namespace vs::ctl
