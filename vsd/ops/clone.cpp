#include "vsd/ops/clone.hpp"

#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/ops/personalise.hpp"
#include "vsd/ops/start.hpp"

namespace vs {

void checkClone(const Host& host, const std::string& from, const std::string& to) {
  const ContextPicture context = host.contexts.find(from);
  checkName(to, "context name");
  if (host.contexts.findIfAny(to)) throw Error(Kind::Exists, fmt::format("context '{}' exists already", to));
  if (!isDown(context.state))
    throw Error(Kind::InvalidState, fmt::format("cannot clone context '{}': it is {}", from, nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}': the tier '{}' has no snapshots", from,
                              context.definition.storage));
}

std::vector<std::string> planClone(const Host& host, const std::string& from, const std::string& to,
                                   ThenStart thenStart) {
  checkClone(host, from, to);
  std::vector<std::string> plan{
      fmt::format("copy the volume '{}' to '{}' ({})", from, to, host.storage.capabilities().copyMethod),
      fmt::format("give '{}' a uuid, ids, hostname and machine-id of its own", to),
      fmt::format("record context '{}'", to)};
  if (thenStart == ThenStart::Yes) plan.push_back("start it");
  return plan;
}

void clone(const Host& host, const std::string& from, const std::string& to, ThenStart thenStart,
           Operation& operation) {
  checkClone(host, from, to);
  Rollback undo;
  Definition definition = host.contexts.find(from).definition;
  if (definition.hostname == from) definition.hostname = to;
  definition.name = to;
  definition.uuid = makeUuid();
  definition.created = now();

  operation.step("find free ids");
  const Contexts::IdReservation ids = reserveIdsOnThisHost(host);
  definition.ids = ids.range();
  validate(definition);

  operation.step("copy the volume");
  undo.add("remove the copy", [&host, to] { host.storage.destroy(to); });
  host.storage.clone(from, {to, definition.templateName, definition.size, toJson(definition).dump()},
                     [&operation](int percent) {
                       operation.progress(percent);
                       if (operation.isCancelled()) throw Error(Kind::Cancelled, "cancelled");
                     });

  operation.step("give it an identity of its own");
  for (std::string& note : personalise(host.storage.attach(to), definition, MachineId::Reset))
    operation.note(std::move(note));
  host.storage.detach(to);

  operation.step("record it");
  operation.passPointOfNoReturn();
  host.contexts.insert(definition);
  undo.commit();  // from here it exists

  if (thenStart == ThenStart::Yes) start(host, to, Wait::ForInit, operation);
}

}  // namespace vs
