// What a start and a resume have in common: volume, run directory, monitor and cgroup of a context
// that is about to run, each with its way back.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vsd/base/rollback.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

struct Standing {
  std::shared_ptr<storage::Engine> storage;
  std::string tree;  // host path of its root file system
  StartedGuest guest;
  Fd payload;  // its cgroup
};

// Makes the monitor stand by, in the cgroup `monitor` when that is not -1.
using MakeGuest = std::function<StartedGuest(int root, int monitor)>;

// `undo` is called back in any case but success.
Standing bringUp(const Host& host, const Definition& definition, const MakeGuest& makeGuest,
                 Rollback& undo, Operation& operation);

// It runs, and everybody is told: whoever asks vsd, its user's wish, systemd-machined.
void announceRunning(const Host& host, const Definition& definition, const Standing& standing,
                     std::shared_ptr<const RunningContext> running);

}  // namespace vs
