#include "vsctl/archive_file.hpp"
#include "vsctl/commands/commands.hpp"

namespace vs::ctl {

Action exportVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.text("--file", options->file, "FILE", "where to (CONTEXT.tar.zst)");
  return [options](Session& session) {
    const std::size_t at = options->context.find('@');
    Json parameters = {{"name", options->context.substr(0, at)}};
    if (at != std::string::npos) parameters["snapshot"] = options->context.substr(at + 1);
    const std::string file = options->file.empty() ? options->context + ".tar.zst" : options->file;
    // Not for other users: what the context keeps secret is in it.
    return exportTo(session, file, 0600,
                    {{"export", "exported"}, options->context, "Export", parameters, {}});
  };
}

}  // namespace vs::ctl
