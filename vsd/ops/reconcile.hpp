// Reconcile: records held against what is really there, after any crash. Running contexts are
// adopted (their processes never notice), unfinished operations are finished or undone, leftovers
// are found by name.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/journal.hpp"

namespace vs {

// At the start of vsd, before anything else: adopts what runs, cleans up after what ended
// meanwhile, closes the journal rows an earlier vsd left open. Returns those that are to be gone on
// with.
struct Interrupted {
  std::string verb;  // stop, restart, remove, rename or resize
  std::string context;
  std::string parameters;
};
// Whether vsd has run before since the host was booted.
enum class Boot { FirstStart, LaterStart };
std::vector<Interrupted> recover(const Host& host, Journal& journal, Boot boot);
// After that, when operations can run. A context is stopped or removed only because an operation
// that was to do so had begun, never because of what the record says.
void resume(const Host& host, const std::vector<Interrupted>& interrupted);
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
