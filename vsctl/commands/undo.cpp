#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsctl/undo_answer.hpp"

namespace vs::ctl {

Action undoVerb(Flags& flags) {
  struct Options {
    std::string context;
    std::string answer;
  };
  auto options = std::make_shared<Options>();
  flags.operand("CONTEXT", options->context);
  flags.operand("ANSWER", options->answer);
  return [options](Session& session) {
    const std::string answer = undoAnswer(options->answer);
    if (answer == "discard" &&
        !session.confirm(fmt::format("destroy what {} changed?", options->context))) {
      session.note("nothing was changed");
      return static_cast<int>(kFailure);
    }
    return carryOut(session, {{"settle", "settled"},
                              options->context,
                              "Undo",
                              {{"name", options->context}, {"answer", answer}},
                              {}});
  };
}

}  // namespace vs::ctl
