#include "vsd/ops/suspend.hpp"

#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/ops/dump.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/memory_image.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

constexpr Millis kFreezeTime{10'000};
constexpr Millis kKillTime{15'000};
constexpr Millis kCriuPatience{600'000};
constexpr Millis kCriuStep{50};

}  // namespace

std::vector<std::string> planSuspend(const Host& host, const std::string& name, Obstacles look) {
  checkDump(host, name, look, "suspend");
  return {fmt::format("freeze every task of context '{}' and take its links off the wire", name),
          fmt::format("save its memory to {}", memoryOf(host, name).directory()),
          "end its processes",
          fmt::format("remove the cgroup {}, its links and rules, and detach the volume",
                      cgroupOf(host, name).scope())};
}

void suspend(const Host& host, const std::string& name, Obstacles look, Operation& operation) {
  checkDump(host, name, look, "suspend");
  const ContextPicture context = host.contexts.find(name);
  const MemoryPlace place = memoryOf(host, name);
  Rollback undo;

  operation.step("make a place for its memory");
  undo.add("remove its memory image", [place] { place.abandon(); });
  const Fd images = place.begin();

  const PacketHold hold = standStill(host, context, undo, operation);
  const auto seal = [&] {
    operation.passPointOfNoReturn();
    place.commit();
  };
  saveMemory(host, context, place, images, Afterwards::End, seal, operation);
  undo.commit();

  operation.step("end its processes");
  cgroupOf(host, name).kill(kKillTime);
  context.running->guest.waitEnd(kKillTime);
  cleanUpRun(host, name);
  host.contexts.setEnded(name, State::Suspended, "suspended");
}

void giveUpMemory(const Host& host, const std::string& name, Operation& operation) {
  operation.step("give its memory up");
  operation.passPointOfNoReturn();
  memoryOf(host, name).useUp();
  host.contexts.setEnded(name, State::Stopped, "its memory was given up");
  memoryOf(host, name).removeRemains();
}

void letGoOn(const Host& host, const std::string& name, bool wasFrozen, Operation& operation) {
  const ContextPicture context = host.contexts.find(name);
  if (!context.running) return;
  const ContextCgroup cgroup = cgroupOf(host, name);
  operation.step("wait for criu");
  const Deadline deadline = deadlineIn(kCriuPatience);
  while (cgroup.isDumped() && std::chrono::steady_clock::now() < deadline) {
    cgroup.letDumpGoOn();
    std::this_thread::sleep_for(kCriuStep);
  }

  operation.step("let it go on");
  plugLinks(host, context.definition, context.running->init.pid());
  if (wasFrozen) return;
  cgroup.thaw(kFreezeTime);
  host.contexts.setState(name, State::Running);
}

bool settleMemory(const Host& host, const std::string& name) {
  const MemoryPlace place = memoryOf(host, name);
  // Nothing was committed: a suspend that was cut off is undone, a resume has come to its end.
  // Otherwise, whatever stands beside it is what was saved, or what was being restored from it.
  if (place.isTaken() && hasRemains(host, name)) {
    cgroupOf(host, name).endDump(kKillTime);
    cleanUpRun(host, name);
  }
  place.removeRemains();
  return place.isTaken();
}

}  // namespace vs
