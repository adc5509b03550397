#include "vsctl/archive_file.hpp"
#include "vsctl/commands/commands.hpp"

namespace vs::ctl {

Action importVerb(Flags& flags) {
  struct Options {
    std::string file;
    std::string name;
    std::string storage;
    std::string profile;
    bool start = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("FILE", options->file);
  flags.text("--name", options->name, "NAME", "its name here (as in the archive)");
  flags.text("--storage", options->storage, "STORAGE", "where it shall lie");
  flags.text("--profile", options->profile, "PROFILE", "system or nesting");
  flags.toggle("--start", options->start, "start it when it is made");
  return [options](Session& session) {
    const Fd file = openArchive(options->file);
    Json parameters = Json::object();
    if (!options->name.empty()) parameters["name"] = options->name;
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    if (!options->profile.empty()) parameters["profile"] = options->profile;
    if (options->start) parameters["start"] = true;
    return carryOut(session, {{"import", "imported"},
                              options->name.empty() ? options->file : options->name,
                              "Import",
                              parameters,
                              {file.get()}});
  };
}

}  // namespace vs::ctl
