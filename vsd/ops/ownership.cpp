#include "vsd/ops/ownership.hpp"

#include <array>
#include <utility>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/create.hpp"

namespace vs {
namespace {

struct StepWords {
  HandoverStep step;
  const char* word;
  const char* meaning;
};
constexpr std::array<StepWords, 6> kSteps{{
    {HandoverStep::Release, "release", "take its volume away from under it"},
    {HandoverStep::TakeBack, "take-back", "put its volume back under it"},
    {HandoverStep::Take, "take", "attach a snapshot of its volume, for the next epoch"},
    {HandoverStep::Commit, "commit", "make its volume this host's"},
    {HandoverStep::Finish, "finish", "drop its volume of the last epoch"},
    {HandoverStep::GiveUp, "give-up", "drop the snapshot and let its volume go"},
}};

const StepWords& describe(HandoverStep step) { return kSteps.at(static_cast<std::size_t>(step)); }

storage::Owner ownerOf(storage::Engine& engine, const std::string& name) {
  if (auto owner = engine.ownerOf(name)) return *std::move(owner);
  throw Error(Kind::NotFound, fmt::format("storage '{}' has no volume '{}' that could go from host "
                                          "to host",
                                          engine.name(), name));
}

void checkTake(const Host& host, const std::string& name, const std::string& storage) {
  const auto known = host.contexts.findIfAny(name);
  if (!known) return;
  if (known->definition.storage != storage)
    throw Error(Kind::Exists, fmt::format("this host has a context '{}' already, on storage '{}'",
                                          name, known->definition.storage))
        .withHint(fmt::format("rename that with 'vsctl rename {} NEW'", name));
  if (!isDown(known->state))
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {} on this host", name, nameOf(known->state)));
}

// What the volume says of its context, with ids that are free here: those on the disk are not
// shifted, so any range will do.
Definition definitionOf(const storage::Engine& engine, const std::string& name) {
  for (const storage::Volume& volume : engine.list()) {
    if (volume.name != name) continue;
    Definition definition = definitionFrom(
        parseJson(volume.definition, fmt::format("the definition of volume '{}'", name)));
    definition.name = name;
    definition.storage = engine.name();
    return definition;
  }
  throw failed("storage '{}' has no volume '{}' of this host's", engine.name(), name);
}

void record(const Host& host, storage::Engine& engine, const std::string& name) {
  Definition definition = definitionOf(engine, name);
  const Contexts::IdReservation ids = reserveIdsOnThisHost(host);
  definition.ids = ids.range();
  validate(definition);
  if (host.contexts.findIfAny(name)) {  // it was this host's once
    host.contexts.replaceDefinition(definition);
  } else {
    host.contexts.insert(definition);
  }
  engine.saveDefinition(name, toJson(definition).dump());
}

void checkStep(const Host& host, const std::string& name, HandoverStep step) {
  const auto context = host.contexts.findIfAny(name);
  if (step == HandoverStep::Release) {
    const ContextPicture here = host.contexts.find(name);
    if (!isDown(here.state) && here.state != State::Frozen)
      throw Error(Kind::InvalidState, fmt::format("cannot release the volume of context '{}': it "
                                                  "is {}",
                                                  name, nameOf(here.state)))
          .withHint(fmt::format("freeze it first with 'vsctl freeze {}'", name));
  }
  const bool fromHere = step == HandoverStep::Take || step == HandoverStep::GiveUp;
  if (fromHere && context && !isDown(context->state))
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {} on this host", name, nameOf(context->state)));
}

}  // namespace

std::string storageToTakeFrom(const Host& host, const std::string& name,
                              const std::string& wanted) {
  checkName(name, "context name");
  if (!wanted.empty()) {
    const auto engine = host.storages.named(wanted);
    ownerOf(*engine, name);
    return wanted;
  }
  for (const auto& engine : host.storages.all())
    if (engine->capabilities().sharedBetweenHosts && engine->ownerOf(name)) return engine->name();
  throw Error(Kind::NotFound,
              fmt::format("no shared storage of this host has a context '{}'", name))
      .withHint("'vsctl storage list' shows the storages; one is added with tier shared");
}

std::vector<std::string> planTake(const Host& host, const std::string& name,
                                  const std::string& storage) {
  checkTake(host, name, storage);
  const storage::Owner owner = ownerOf(*host.storages.named(storage), name);
  return {fmt::format("make the volume '{}' this host's (now: host '{}', epoch {})", name,
                      owner.host, owner.epoch),
          fmt::format("record context '{}' with a range of 65536 ids of its own", name)};
}

void take(const Host& host, const std::string& name, const std::string& storage,
          Operation& operation) {
  const auto engine = host.storages.named(storage);
  operation.step("make its volume this host's");
  checkTake(host, name, storage);
  operation.passPointOfNoReturn();
  engine->takeOwnership(name);

  operation.step("record it");
  record(host, *engine, name);
}

HandoverStep handoverStepFrom(const std::string& word) {
  std::string words;
  for (const StepWords& step : kSteps) {
    if (word == step.word) return step.step;
    words += fmt::format("{}{}", words.empty() ? "" : ", ", step.word);
  }
  throw invalid("'{}' is no step of a hand-over", printable(word))
      .withHint(fmt::format("there is {}", words));
}

std::vector<std::string> planHandover(const Host& host, const std::string& name,
                                      const std::string& storage, HandoverStep step) {
  checkStep(host, name, step);
  const storage::Owner owner = ownerOf(*host.storages.named(storage), name);
  return {fmt::format("{} (host '{}', epoch {})", describe(step).meaning, owner.host, owner.epoch)};
}

void handOver(const Host& host, const std::string& name, const std::string& storage,
              HandoverStep step, Operation& operation) {
  const auto engine = host.storages.named(storage);
  operation.step(describe(step).meaning);
  operation.passPointOfNoReturn();
  checkStep(host, name, step);
  const std::uint64_t next = ownerOf(*engine, name).epoch + 1;
  switch (step) {
    case HandoverStep::Release:
      return engine->release(name);
    case HandoverStep::TakeBack:
      return engine->takeBack(name);
    case HandoverStep::Take:
      return operation.note(fmt::format("its tree is {}", engine->takeOver(name, next)));
    case HandoverStep::Commit:
      return engine->commitTakeOver(name, next);
    case HandoverStep::Finish:
      return engine->finishTakeOver(name);
    case HandoverStep::GiveUp:
      return engine->giveUpTakeOver(name, next);
  }
}

}  // namespace vs
