// start: brings a stopped context to life, in the order in which it can be taken back.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

enum class Wait { ForInit, ForSystem };  // until init runs its first instruction, or says it is up

// Throws InvalidState when it runs already or is being removed.
void checkStart(const Host& host, const std::string& name);
std::vector<std::string> planStart(const Host& host, const std::string& name);
void start(const Host& host, const std::string& name, Wait wait, Operation& operation);

}  // namespace vs
