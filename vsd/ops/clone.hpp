// clone: a copy of a stopped context with an identity of its own: name, uuid, ids, hostname,
// machine-id.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/create.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

void checkClone(const Host& host, const std::string& from, const std::string& to);
std::vector<std::string> planClone(const Host& host, const std::string& from, const std::string& to,
                                   ThenStart thenStart);
void clone(const Host& host, const std::string& from, const std::string& to, ThenStart thenStart,
           Operation& operation);

}  // namespace vs
