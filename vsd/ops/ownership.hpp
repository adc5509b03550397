// Contexts of a shared storage, from host to host: whose a volume is, and the steps by which it
// goes over. Without a pool of hosts that knows better, the record on the storage itself decides.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

// The storage that has the volume, whosever it is; `wanted` may be empty. Throws NotFound.
std::string storageToTakeFrom(const Host& host, const std::string& name, const std::string& wanted);

// Makes a context that runs on no other host this host's: its volume's record, then ours. Throws
// Busy with the owner's name; Exists when another context has its name here. May be repeated.
std::vector<std::string> planTake(const Host& host, const std::string& name,
                                  const std::string& storage);
void take(const Host& host, const std::string& name, const std::string& storage,
          Operation& operation);

// One step of a hand-over, done by hand: what a move does, in this order, for tests and repair.
enum class HandoverStep { Release, TakeBack, Take, Commit, Finish, GiveUp };
// "release", "take-back", "take", "commit", "finish", "give-up"; throws InvalidParameter.
HandoverStep handoverStepFrom(const std::string& word);
std::vector<std::string> planHandover(const Host& host, const std::string& name,
                                      const std::string& storage, HandoverStep step);
void handOver(const Host& host, const std::string& name, const std::string& storage,
              HandoverStep step, Operation& operation);

}  // namespace vs
