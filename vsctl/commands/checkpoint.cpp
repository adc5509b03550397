#include "vsctl/columns.hpp"
#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/session.hpp"
#include "vsctl/text.hpp"

namespace vs::ctl {

Action checkpointCreateVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string checkpoint;
    bool tryIt = false;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.text("--name", options->checkpoint, "NAME", "its name (the time in UTC)");
  flags.toggle("--try", options->tryIt, "also when something seems to be in the way");
  return [options](Session& session) {
    Json parameters = {{"name", options->context}, {"try", options->tryIt}};
    if (!options->checkpoint.empty()) parameters["checkpoint"] = options->checkpoint;
    return carryOut(session, {{"take a checkpoint of", "took a checkpoint of"},
                              options->context,
                              "CheckpointCreate",
                              parameters,
                              {}});
  };
}

Action checkpointListVerb(Flags& flags) {
  auto name = std::make_shared<std::string>();
  flags.operand("CONTEXT", *name);
  return [name](Session& session) {
    const Json reply = session.call("CheckpointList", {{"name", *name}});
    session.printItems("CheckpointList", kCheckpointColumns, reply.at("checkpoints"));
    return kSuccess;
  };
}

Action checkpointShowVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::vector<std::string> checkpoints;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operands("CHECKPOINT", options->checkpoints, Flags::Need::Required);
  return [options](Session& session) {
    Json items = Json::array();
    for (const std::string& checkpoint : options->checkpoints)
      items.push_back(
          session.call("CheckpointShow", {{"name", options->context}, {"checkpoint", checkpoint}})
              .at("checkpoint"));
    session.printRecords("CheckpointList", kCheckpointColumns, kCheckpointColumns,
                         std::move(items));
    return kSuccess;
  };
}

Action checkpointRestoreVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string checkpoint;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operand("CHECKPOINT", options->checkpoint);
  return [options](Session& session) {
    if (!session.confirm(fmt::format("destroy what {} holds now and go back to {}?",
                                     options->context, options->checkpoint))) {
      session.note("nothing was changed");
      return static_cast<int>(kFailure);
    }
    return carryOut(session, {{"put back", "put back"},
                              options->context,
                              "CheckpointRestore",
                              {{"name", options->context}, {"checkpoint", options->checkpoint}},
                              {}});
  };
}

Action checkpointRemoveVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::vector<std::string> checkpoints;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operands("CHECKPOINT", options->checkpoints, Flags::Need::Required);
  return [options](Session& session) {
    if (!session.confirm(fmt::format("remove checkpoint {} of {}?",
                                     join(options->checkpoints, ", "), options->context))) {
      session.note("nothing was removed");
      return static_cast<int>(kFailure);
    }
    // One after the other: each holds the context.
    int code = kSuccess;
    for (const std::string& checkpoint : options->checkpoints) {
      const int one = carryOut(session, {{"remove checkpoint", "removed checkpoint"},
                                         checkpoint,
                                         "CheckpointRemove",
                                         {{"name", options->context}, {"checkpoint", checkpoint}},
                                         {}});
      if (one != kSuccess) code = one;
    }
    return code;
  };
}

}  // namespace vs::ctl
