// What becomes of what a context changed on its undoable disk: said with --undo, or asked for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "vsctl/session.hpp"

namespace vs::ctl {

// The text of --undo; throws InvalidParameter unless it is keep or discard.
std::string undoAnswer(const std::string& text);

// By name, of those contexts whose definition has the user asked (atStop), when there is a terminal
// to ask on; without an answer ("later") one is left out.
std::map<std::string, std::string> askForAnswers(Session& session,
                                                 const std::vector<std::string>& names);
// The same of contexts as List gives them.
std::vector<std::string> namesToAskFor(const Json& contexts, const std::vector<std::string>& names);

}  // namespace vs::ctl
