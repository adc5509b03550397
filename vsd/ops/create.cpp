#include "vsd/ops/create.hpp"

#include <algorithm>

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/context/id_ranges.hpp"
#include "vsd/context/template_info.hpp"
#include "vsd/ops/limits.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/networks.hpp"
#include "vsd/ops/room.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/start.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

Template templateNamed(const Host& host, const std::string& name) {
  checkName(name, "template name");
  return templateFrom(parseJson(host.storages.withTemplate(name)->templateDescription(name),
                                fmt::format("template '{}'", name)));
}

bool says(const Json& wish, const char* field) {
  const auto found = wish.find(field);
  return found != wish.end() && !found->is_null();
}

// Domain and resolvers follow from the first network, unless they were asked for.
void takeFromNetwork(const Host& host, const Json& wish, Definition& definition) {
  completeLinks(host, definition);
  if (definition.links.empty()) return;
  const netfw::Network network = networkNamed(host, definition.links.front().network);
  if (!says(wish, "domain") && !network.domain.empty()) definition.domain = network.domain;
  if (says(wish, "dns") || network.dns.empty()) return;
  definition.dns.clear();
  for (const netfw::Address& server : network.dns) definition.dns.push_back(server.text());
}

}  // namespace

void mustBeNoVolume(const storage::Engine& storage, const std::string& name) {
  if (storage.hasVolume(name))
    throw Error(Kind::Exists,
                fmt::format("storage '{}' has a volume '{}' already, of no context of this host",
                            storage.name(), name))
        .withHint("take another name; 'vsd --rebuild' makes records of volumes that have none");
}

void checkNewName(const Host& host, const std::string& name) {
  checkName(name, "context name");
  if (host.contexts.findIfAny(name))
    throw Error(Kind::Exists, fmt::format("context '{}' exists already", name));
}

void checkWish(const Host& host, const Definition& definition) {
  const auto storage = host.storages.named(definition.storage);
  mustBeNoVolume(*storage, definition.name);
  if (definition.size && !storage->capabilities().sizeEnforced)
    throw Error(Kind::Unsupported,
                fmt::format("cannot give context '{}' a size: storage '{}' enforces none",
                            definition.name, definition.storage))
        .withHint("leave --size away: the volume is bounded by the file system it lies on");
  validate(definition);
  checkDisk(host, definition);
  checkLimits(host, definition);  // refused now, not at the first start
  checkLinks(host, definition);
  checkPromise(host, *storage, definition.size.value_or(host.config.defaultSize));
}

Definition completeWish(const Host& host, const Json& wish) {
  Definition definition;
  definition.templateName = host.config.defaultTemplate;
  definition.storage = host.config.defaultStorage;
  definition.dns = host.config.dns;
  definition.domain = host.config.domain;
  definition.stopTimeout = host.config.stopTimeout;
  definition.limits = host.config.limits;
  definition.name = wish.value("name", "");
  checkNewName(host, definition.name);
  if (const auto wanted = wish.find("template"); wanted != wish.end() && wanted->is_string())
    definition.templateName = *wanted;
  const Template from = templateNamed(host, definition.templateName);
  definition.init = from.init;
  definition.command = from.init == Init::Command ? from.command : std::vector<std::string>();
  definition.hostname = definition.name;
  applyFields(wish, definition);
  takeFromNetwork(host, wish, definition);
  definition.uuid = makeUuid();
  definition.created = now();
  definition.ids.first = kFirstId;  // stands for the one it will be given
  checkWish(host, definition);
  return definition;
}

Contexts::IdReservation reserveIdsOnThisHost(const Host& host) {
  std::vector<IdRange> taken;
  for (const char* file : {"/etc/subuid", "/etc/subgid"})
    if (const auto text = readFileIfExists(file))
      for (const IdRange& range : parseSubordinateIds(*text)) taken.push_back(range);
  return host.contexts.reserveIds(taken);
}

std::vector<std::string> planCreate(const Host& host, const Definition& definition,
                                    ThenStart thenStart) {
  const auto storage = host.storages.named(definition.storage);
  std::vector<std::string> plan;
  const std::vector<std::string> there = storage->listTemplates();
  if (std::find(there.begin(), there.end(), definition.templateName) == there.end())
    plan.push_back(fmt::format(
        "copy template '{}' from storage '{}' to '{}'", definition.templateName,
        host.storages.withTemplate(definition.templateName)->name(), definition.storage));
  plan.push_back(fmt::format("make the volume '{}' ({}, {}) from template '{}'", definition.name,
                             definition.storage, storage->capabilities().copyMethod,
                             definition.templateName));
  for (std::string& line : planRecord(definition, MachineId::Reset, thenStart))
    plan.push_back(std::move(line));
  return plan;
}

std::vector<std::string> planRecord(const Definition& definition,
                                    const std::optional<MachineId>& identity, ThenStart thenStart) {
  std::vector<std::string> plan;
  if (identity)
    for (const FileToWrite& file : filesFor(definition, *identity))
      plan.push_back(fmt::format("write {} in it", file.path));
  plan.push_back(
      fmt::format("record context '{}' with a range of 65536 ids of its own", definition.name));
  if (thenStart == ThenStart::Yes) plan.push_back("start it");
  return plan;
}

void createWith(const Host& host, NewContext wanted, Operation& operation) {
  Rollback undo;
  Definition& definition = wanted.definition;
  const std::string name = definition.name;
  const auto storage = host.storages.named(definition.storage);
  mustBeNoVolume(*storage, name);

  operation.step("find free ids");
  const Contexts::IdReservation ids = reserveIdsOnThisHost(host);
  definition.ids = ids.range();
  validate(definition);

  operation.step("make its volume");
  undo.add("remove its volume", [storage, name] { storage->destroy(name); });
  // One that was moved to a storage without sizes still has the one it had.
  const auto size = storage->capabilities().sizeEnforced ? definition.size : std::nullopt;
  wanted.makeVolume(*storage, {name, definition.templateName, size, toJson(definition).dump()},
                    [&operation](int percent) {
                      operation.progress(percent);
                      if (operation.isCancelled()) throw Error(Kind::Cancelled, "cancelled");
                    });

  if (wanted.identity) {
    operation.step("write what was asked for");
    undo.add("detach its volume", [storage, name] { storage->detach(name); });
    for (std::string& note : personalise(storage->attach(name), definition, *wanted.identity))
      operation.note(std::move(note));
    storage->detach(name);
  }

  operation.step("record it");
  checkLinks(host, definition);  // somebody may have its addresses by now
  operation.passPointOfNoReturn();
  host.contexts.insert(definition);
  undo.commit();  // from here it exists

  if (wanted.thenStart == ThenStart::Yes) start(host, name, Wait::ForInit, operation);
}

void create(const Host& host, Definition definition, ThenStart thenStart, Operation& operation) {
  const auto fromTemplate = [&host](storage::Engine& engine, const storage::CreateRequest& request,
                                    const storage::Progress& progress) {
    host.storages.bringTemplate(request.templateName, engine, progress);
    engine.createFromTemplate(request, progress);
  };
  createWith(host, {std::move(definition), fromTemplate, MachineId::Reset, thenStart}, operation);
}

}  // namespace vs
