#include "vsd/ops/clone.hpp"

#include "vsd/base/names.hpp"
#include "vsd/ops/room.hpp"

namespace vs {

void checkClone(const Host& host, const std::string& from, const std::string& to) {
  const ContextPicture context = host.contexts.find(from);
  checkNewName(host, to);
  if (!isDown(context.state) && !storageOf(host, from)->capabilities().snapshots)
    throw Error(Kind::InvalidState,
                fmt::format("cannot clone context '{}': it is {}", from, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}': storage '{}' has no snapshots",
                              from, context.definition.storage));
  const auto storage = storageOf(host, from);
  if (const std::optional<Bytes> size = storage->sizeOf(from)) checkPromise(host, *storage, *size);
}

std::vector<std::string> planClone(const Host& host, const std::string& from, const std::string& to,
                                   ThenStart thenStart) {
  checkClone(host, from, to);
  std::vector<std::string> plan{
      fmt::format("copy the volume '{}' to '{}' ({})", from, to,
                  storageOf(host, from)->capabilities().copyMethod),
      fmt::format("give '{}' a uuid, ids, hostname and machine-id of its own", to),
      fmt::format("record context '{}'", to)};
  if (thenStart == ThenStart::Yes) plan.push_back("start it");
  return plan;
}

void clone(const Host& host, const std::string& from, const std::string& to, ThenStart thenStart,
           Operation& operation) {
  checkClone(host, from, to);
  Definition definition = host.contexts.find(from).definition;
  if (definition.hostname == from) definition.hostname = to;
  definition.name = to;
  definition.uuid = makeUuid();
  definition.schedule = {};
  if (!definition.links.empty())
    operation.note(
        fmt::format("it has no links: those of '{}' are its own; give '{}' others with "
                    "'vsctl set {} --address'",
                    from, to, to));
  definition.links.clear();
  definition.forwards.clear();
  definition.created = now();
  const auto copyOf = [&from](storage::Engine& engine, const storage::CreateRequest& request,
                              const storage::Progress& progress) {
    engine.clone(from, request, progress);
  };
  createWith(host, {std::move(definition), copyOf, MachineId::Reset, thenStart}, operation);
}

}  // namespace vs
