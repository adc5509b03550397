#include "vsctl/commands/commands.hpp"
#include "vsctl/operation.hpp"

namespace vs::ctl {

Action takeVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string storage;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.text("--storage", options->storage, "STORAGE", "where to look for it (all shared ones)");
  return [options](Session& session) {
    Json parameters = {{"name", options->context}};
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    return carryOut(session, {{"take", "took"}, options->context, "Take", parameters, {}});
  };
}

Action storageHandoverVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string step;
    std::string storage;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operand("STEP", options->step);
  flags.text("--storage", options->storage, "STORAGE", "where to look for it (all shared ones)");
  return [options](Session& session) {
    Json parameters = {{"name", options->context}, {"step", options->step}};
    if (!options->storage.empty()) parameters["storage"] = options->storage;
    return carryOut(
        session,
        {{"hand over", "handed over"}, options->context, "StorageHandover", parameters, {}});
  };
}

}  // namespace vs::ctl
