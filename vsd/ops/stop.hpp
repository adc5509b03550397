// stop and freeze: the ways a running context comes to rest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vsd/ops/host.hpp"
#include "vsd/ops/start.hpp"

namespace vs {

struct StopOptions {
  std::optional<Millis> timeout;  // of the clean shutdown; default: the definition's
  enum class Manner { Clean, Kill } manner = Manner::Clean;
  enum class Then {
    StaysDown,
    StartsAgain
  } then = Then::StaysDown;             // what its user wishes after it
  std::optional<UndoAnswer> undo = {};  // of an undoable disk; default: the definition's, unless
                                        // it starts again, which goes on with the session
};

// Throws InvalidState when it does not run.
void checkStop(const Host& host, const std::string& name);
std::vector<std::string> planStop(const Host& host, const std::string& name,
                                  const StopOptions& options);
void stop(const Host& host, const std::string& name, const StopOptions& options,
          Operation& operation);

// stop (when it runs) and start, as one operation; on an undoable disk the session goes on.
void restart(const Host& host, const std::string& name, StopOptions options, Wait wait,
             Operation& operation);

// Takes note of a context whose init ended by itself, cleans up after it, and starts it again when
// it rebooted or its restart policy says so.
void settle(const Host& host, const std::string& name, Operation& operation);

void checkFreeze(const Host& host, const std::string& name);
void freeze(const Host& host, const std::string& name, Operation& operation);
void checkThaw(const Host& host, const std::string& name);
void thaw(const Host& host, const std::string& name, Operation& operation);

}  // namespace vs
