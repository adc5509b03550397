#include "vsd/ops/set.hpp"

#include "vsd/base/json.hpp"
#include "vsd/ops/limits.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/personalise.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

bool isWrittenInside(const std::string& field) {
  return field == "hostname" || field == "dns" || field == "domain" || field == "hosts" ||
         field == "authorizedKeys";
}

std::string_view effectOf(const std::string& field, State state) {
  if (isDown(state)) return "";
  if (field == "limits" || field == "autostart" || field == "restart" || field == "stopTimeout" ||
      field == "tags" || field == "atStop" || field == "rules" || field == "firewall" ||
      field == "forwards" || field == "links")
    return "";
  if (isWrittenInside(field) && field != "hostname") return "";
  return " (takes effect at its next start)";
}

}  // namespace

Definition changedDefinition(const Host& host, const std::string& name, const Json& changes) {
  Definition definition = host.contexts.find(name).definition;
  Json fields = changes;
  std::vector<std::string> unsetFields;
  if (const auto wanted = fields.find("unset"); wanted != fields.end()) {
    if (!wanted->is_null()) unsetFields = wanted->get<std::vector<std::string>>();
    fields.erase(wanted);
  }
  unset(unsetFields, definition);
  applyFields(fields, definition);
  completeLinks(host, definition);
  validate(definition);
  if (fields.contains("limits")) checkLimits(host, definition);
  checkDisk(host, definition);
  const ContextPicture before = host.contexts.find(name);
  if (before.running && before.definition.links != definition.links &&
      !differInShape(before.definition, definition))
    throw Error(Kind::InvalidState, fmt::format("cannot change the links of context '{}': it is {}",
                                                name, nameOf(before.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'", name));
  checkLinks(host, definition);
  if (definition.disk == Disk::Normal && hasUndo(host, host.contexts.find(name).definition))
    throw Error(Kind::InvalidState,
                fmt::format("the disk of context '{}' cannot be normal yet: what it changed since "
                            "its start is neither kept nor discarded",
                            name))
        .withHint(fmt::format("say so with 'vsctl stop {0} --undo keep' or, when it is stopped, "
                              "'vsctl undo {0} keep'",
                              name));
  return definition;
}

std::vector<std::string> describeChanges(const Definition& before, const Definition& after,
                                         State state) {
  std::vector<std::string> changes;
  const Json old = toJson(before);
  const Json fresh = toJson(after);
  for (const auto& [field, value] : fresh.items()) {
    const Json was = old.value(field, Json());
    if (was != value)
      changes.push_back(
          fmt::format("{}: {} -> {}{}", field, was.dump(), value.dump(), effectOf(field, state)));
  }
  for (const auto& [field, was] : old.items())
    if (!fresh.contains(field))
      changes.push_back(
          fmt::format("{}: {} -> unset{}", field, was.dump(), effectOf(field, state)));
  return changes;
}

void set(const Host& host, const Definition& changed, Operation& operation) {
  const ContextPicture context = host.contexts.find(changed.name);
  const std::vector<std::string> changes =
      describeChanges(context.definition, changed, context.state);

  if (context.running && !(context.definition.limits == changed.limits)) {
    operation.step("set its limits");
    applyLimits(host, changed);
  }

  if (context.running && (context.definition.rules != changed.rules ||
                          context.definition.firewall != changed.firewall)) {
    operation.step("load its firewall");
    loadRules(host, changed);
  }
  if (context.running && differInShape(context.definition, changed)) {
    operation.step("limit its links");
    shapeLinks(host, changed);
  }
  if (context.running && context.definition.forwards != changed.forwards) {
    operation.step("load its forwards");
    loadForwards(host, changed);
  }

  operation.step("record it");
  operation.passPointOfNoReturn();
  host.contexts.replaceDefinition(changed);
  storageOf(host, changed.name)->saveDefinition(changed.name, toJson(changed).dump());

  if (filesFor(context.definition, MachineId::Keep) != filesFor(changed, MachineId::Keep)) {
    operation.step("write what was asked for");
    for (std::string& note :
         personalise(storageOf(host, changed.name)->attach(changed.name), changed, MachineId::Keep))
      operation.note(std::move(note));
    if (!context.running) storageOf(host, changed.name)->detach(changed.name);
  }
  for (const std::string& change : changes) operation.note(change);
}

}  // namespace vs
