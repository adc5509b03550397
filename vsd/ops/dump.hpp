// The memory of a running context, saved: what a suspend and a checkpoint have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vsd/base/rollback.hpp"
#include "vsd/kernel/boot_plan.hpp"
#include "vsd/kernel/packet_hold.hpp"
#include "vsd/ops/host.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/operation.hpp"

namespace vs {

// What becomes of it when something in the context seems to be in the way.
enum class Obstacles {
  Refuse,
  Try,  // let criu say, while it stands still; only where vsd itself could go on with it
};
// Throws InvalidState when it does not run, Unsupported when this host has no criu, or with
// blockers when something in it cannot be saved; `wish` is the verb that says so.
void checkDump(const Host& host, const std::string& name, Obstacles look, const std::string& wish);

// Takes it off the wire and freezes its tasks, at a moment at which every connection has been
// accepted and every message been read, if there is one soon; until the hold is dropped its sockets
// neither send nor get anything, not even from each other. `undo` lets it go on as it was.
PacketHold standStill(const Host& host, const ContextPicture& context, Rollback& undo,
                      Operation& operation);

enum class Afterwards {
  End,   // nothing goes on from here but from the image
  GoOn,  // its tasks can be let go on
};
// Saves the memory of a context that stands still to `images`, the directory that `place` has
// begun, and calls `seal` when all is there but not in force. After an error, of `seal` too, its
// tasks can go on; with End they cannot otherwise.
void saveMemory(const Host& host, const ContextPicture& context, const MemoryPlace& place,
                const Fd& images, Afterwards afterwards, const std::function<void()>& seal,
                Operation& operation);

// --- for restores too ---
// Throws Unsupported when this host has no criu.
void mustHaveCriu();
// What criu finds out about a kernel when it first meets it: that takes a second, and connections
// of its own, so it comes before anything stands still and packets are held. In monitor/ of
// `cgroup`.
void letCriuLearn(const Host& host, const ContextCgroup& cgroup);
// The mounts of a context that are its host's.
std::vector<ExternalMount> externalsOf(const Definition& definition);
// What a log of criu is worth keeping for: the next look at what went wrong.
void keepLog(const Host& host, const std::string& name, int directory, const char* log);

}  // namespace vs
