// Reconcile: records held against what is really there. What an earlier vsd left is for
// recovery.hpp.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

// The end of a running context was seen: starts the operation that takes note of it (settle). False
// when another operation holds the context at this moment; ask again a little later.
bool trySettle(const Host& host, const std::string& name);

// Records every volume's context that the store does not know, from the definition kept with the
// data. Returns a sentence for each volume.
std::vector<std::string> rebuild(const storage::Engine& storage, Store& store);

// Every difference between records and reality, as a sentence each.
enum class Fix { No, Yes };
std::vector<std::string> differences(const Host& host, Fix fix);

}  // namespace vs
