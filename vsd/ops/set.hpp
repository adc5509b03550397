// set: changes what a context is to be; limits take effect at once, the rest says when.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

// The definition with the changes (type Changes) applied, validated. Throws InvalidParameter,
// Unsupported (a limit without its controller), NotFound.
Definition changedDefinition(const Host& host, const std::string& name,
                             const nlohmann::json& changes);

// One sentence for each difference, and when it takes effect. Pure.
std::vector<std::string> describeChanges(const Definition& before, const Definition& after,
                                         State state);

void set(const Host& host, const Definition& changed, Operation& operation);

}  // namespace vs
