// remove: a context, its volume and its log. Once begun it is finished, also by the next vsd.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

enum class IfRunning { Refuse, Kill };

void checkRemove(const Host& host, const std::string& name, IfRunning ifRunning);
std::vector<std::string> planRemove(const Host& host, const std::string& name, IfRunning ifRunning);
void remove(const Host& host, const std::string& name, Operation& operation);

}  // namespace vs
