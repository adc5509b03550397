// start: brings a stopped context to life, in the order in which it can be taken back.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/undo.hpp"

namespace vs {

enum class Wait { ForInit, ForSystem };  // until init runs its first instruction, or says it is up

// Of an undoable disk: whether what it changes from now on is told apart from what it did before.
enum class Session { New, GoesOn };

// Throws InvalidState when it runs already, is being removed, or its last changes are neither kept
// nor discarded.
void checkStart(const Host& host, const std::string& name);
std::vector<std::string> planStart(const Host& host, const std::string& name);
void start(const Host& host, const std::string& name, Wait wait, Operation& operation,
           Session session = Session::New);

}  // namespace vs
