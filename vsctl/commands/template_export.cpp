#include "vsctl/archive_file.hpp"
#include "vsctl/commands/commands.hpp"

namespace vs::ctl {

Action templateExportVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  flags.operand("TEMPLATE", options->name);
  flags.operand("FILE", options->file);
  return [options](Session& session) {
    return exportTo(session, options->file, 0644,
                    {{"export template", "exported template"},
                     options->name,
                     "TemplateExport",
                     {{"name", options->name}},
                     {}});
  };
}

}  // namespace vs::ctl
