#include "vsctl/undo_answer.hpp"

#include <algorithm>

#include "vsd/base/error.hpp"

namespace vs::ctl {

std::string undoAnswer(const std::string& text) {
  if (text == "keep" || text == "discard") return text;
  throw invalid("--undo '{}' is neither keep nor discard", text);
}

std::vector<std::string> namesToAskFor(const Json& contexts,
                                       const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const Json& context : contexts) {
    const Json& definition = context.at("definition");
    const std::string name = definition.value("name", "");
    if (definition.value("disk", "") == "undoable" && definition.value("atStop", "") == "ask" &&
        std::ranges::find(names, name) != names.end())
      found.push_back(name);
  }
  return found;
}

std::map<std::string, std::string> askForAnswers(Session& session,
                                                 const std::vector<std::string>& names) {
  static constexpr std::string_view kAnswers[] = {"keep", "discard", "later"};
  std::map<std::string, std::string> answers;
  if (names.empty() || !session.mayAsk()) return answers;
  const Json reply = session.call("List");
  for (const std::string& name : namesToAskFor(reply.at("contexts"), names)) {
    const std::string answer =
        session.choose(fmt::format("what {} changed since its start?", name), kAnswers);
    if (answer != kAnswers[2]) answers[name] = answer;
  }
  return answers;
}

}  // namespace vs::ctl
