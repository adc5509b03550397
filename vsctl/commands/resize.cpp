
#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/units.hpp"

namespace vs::ctl {

Action resizeVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string disk;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.text("--disk", options->disk, "SIZE", "the size its volume shall have");
  return [options](Session& session) {
    if (options->disk.empty())
      throw invalid("no size was given for context '{}'", options->context)
          .withHint("say it with --disk, as in --disk 20G");
    return carryOut(
        session, {{"resize", "resized"},
                  options->context,
                  "Resize",
                  {{"name", options->context}, {"size", parseBytes(options->disk, "--disk").value}},
                  {}});
  };
}

}  // namespace vs::ctl
