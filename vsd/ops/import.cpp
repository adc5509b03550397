#include "vsd/ops/import.hpp"
#include "vsd/ops/links.hpp"

#include <unistd.h>

#include <algorithm>

#include "vsd/base/archive_frame.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/hash.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/root_fs.hpp"
#include "vsd/context/id_ranges.hpp"
#include "vsd/context/template_info.hpp"
#include "vsd/ops/cage.hpp"
#include "vsd/ops/room.hpp"

namespace vs {
namespace {

// What isolates less than the default comes in only by the user's own word.
void takeProfile(const std::string& wished, Definition& definition) {
  if (!wished.empty()) return applyFields(Json{{"profile", wished}}, definition);
  if (definition.profile == Profile::System) return;
  throw invalid(
      "cannot import context '{}': its archive asks for the profile '{}', which isolates "
      "less",
      definition.name, nameOf(definition.profile))
      .withHint(fmt::format("give it with '--profile {}' if the archive can be trusted, or import "
                            "it with '--profile {}'",
                            nameOf(definition.profile), nameOf(Profile::System)));
}

std::shared_ptr<storage::Engine> takeStorage(const Host& host, const std::string& wished,
                                             Import& wanted) {
  std::string& name = wanted.definition.storage;
  const std::vector<std::shared_ptr<storage::Engine>> all = host.storages.all();
  if (!wished.empty()) {
    name = wished;
  } else if (std::ranges::find(all, name, [](const auto& each) { return each->name(); }) ==
             all.end()) {
    wanted.notes.push_back(fmt::format("this host has no storage '{}': it lies on '{}'",
                                       printable(name), host.config.defaultStorage));
    name = host.config.defaultStorage;
  }
  return host.storages.named(name);
}

// The size it had, where sizes are limits; else, of a tree too large for the usual one, what holds
// the tree with an eighth to spare.
void takeSize(const Host& host, const storage::Engine& storage, std::optional<Bytes> had,
              Import& wanted) {
  Definition& definition = wanted.definition;
  if (!storage.capabilities().snapshots) {
    definition.schedule = {};
    if (definition.disk == Disk::Undoable)
      wanted.notes.push_back(fmt::format(
          "its disk is not undoable on storage '{}', which has no snapshots", definition.storage));
    definition.disk = Disk::Normal;
  }
  if (!storage.capabilities().sizeEnforced) {
    if (definition.size)
      wanted.notes.push_back(fmt::format("its size of {} is no limit on storage '{}'",
                                         formatBytes(*definition.size), definition.storage));
    definition.size.reset();
    return;
  }
  const Bytes needed = sizeForTree(wanted.sizes.disk);
  if (!definition.size) definition.size = had;
  if (!definition.size && needed > host.config.defaultSize) definition.size = needed;
}

void takeIdentity(const Host& host, const std::string& nameThen, Import& wanted) {
  Definition& definition = wanted.definition;
  if (definition.name != nameThen) {
    if (definition.hostname == nameThen) definition.hostname = definition.name;
    wanted.identity = MachineId::Keep;
  }
  for (const ContextPicture& context : host.contexts.all()) {
    if (context.definition.uuid != definition.uuid) continue;
    wanted.notes.push_back(
        fmt::format("context '{}' has its uuid: it gets a uuid and a machine-id "
                    "of its own",
                    context.definition.name));
    definition.uuid = makeUuid();
    definition.created = now();
    wanted.identity = MachineId::Reset;
    return;
  }
}

// Addresses that it cannot have here stay away, and it comes without them.
void takeLinks(const Host& host, Import& wanted) {
  try {
    checkLinks(host, wanted.definition);
  } catch (const Error& error) {
    if (wanted.definition.links.empty()) throw;
    wanted.notes.push_back(fmt::format("it comes without its links: {}", error.text()));
    wanted.definition.links.clear();
    wanted.definition.forwards.clear();
  }
}

// What the cage says of an archive, as the trouble of this context.
Error about(const Import& wanted, const Error& error) {
  const std::string& name = wanted.definition.name;
  if (isFull(error))
    return storageFull(fmt::format("import context '{}'", name), wanted.definition.storage, error);
  if (error.kind() != Kind::InvalidParameter) return error;
  return invalid("cannot import context '{}': {}", name, error.text())
      .withHint("get the archive again, or export the context again: nothing of it is used");
}

void unpackInto(const Host& host, const Import& wanted, const std::string& path, int archive,
                Operation& operation) {
  const RootFs tree(path);
  const Fd target = openDirectory(path);
  OperationCage cage(host, contextBounds(wanted.sizes), operation);
  cage.countTowards(wanted.sizes.bytes);
  const storage::UnpackResult result =
      storage::unpackFollowed(host.runner, cage, archive, target.get(), kEndSize);
  if (result.following != hexOf(encodeEnd(wanted.manifest, result.sha256)))
    throw invalid("the archive is not whole, or was changed: its checksum is wrong");
  noteSkipped(result, operation);
  for (std::string& change : addMountPoints(tree)) operation.note(std::move(change));
  check(::syncfs(target.get()), "write out '{}'", path);
}

}  // namespace

Import completeImport(const Host& host, std::string manifest, const ImportRequest& request) {
  const Manifest read = decodeManifest(manifest);
  Import wanted{std::move(manifest), read.sizes, read.definition, std::nullopt, {}};
  Definition& definition = wanted.definition;
  if (!request.name.empty()) definition.name = request.name;
  checkNewName(host, definition.name);
  definition.ids.first = kFirstId;  // stands for the one it will be given
  takeIdentity(host, read.definition.name, wanted);
  takeProfile(request.profile, definition);
  takeLinks(host, wanted);
  const auto storage = takeStorage(host, request.storage, wanted);
  takeSize(host, *storage, read.size, wanted);
  checkWish(host, definition);
  needSpace(*storage, fmt::format("import context '{}'", definition.name), wanted.sizes.disk);
  return wanted;
}

std::vector<std::string> planImport(const Host& host, const Import& wanted, ThenStart thenStart) {
  const Definition& definition = wanted.definition;
  checkNewName(host, definition.name);
  std::vector<std::string> plan = wanted.notes;
  plan.push_back(
      fmt::format("make the empty volume '{}' ({})", definition.name, definition.storage));
  plan.push_back(fmt::format("unpack {} entries in it in a cage, {} of content, and verify them",
                             wanted.sizes.entries, formatBytes(wanted.sizes.bytes)));
  for (std::string& line : planRecord(definition, wanted.identity, thenStart))
    plan.push_back(std::move(line));
  return plan;
}

void importContext(const Host& host, const Import& wanted, int archive, ThenStart thenStart,
                   Operation& operation) {
  for (const std::string& note : wanted.notes) operation.note(note);
  const auto unpacked = [&](storage::Engine& engine, const storage::CreateRequest& request,
                            const storage::Progress&) {
    // Without a definition: nobody makes a context of a volume that is half full.
    engine.createEmpty({request.name, request.templateName, request.size, ""});
    operation.step("unpack it in a cage");
    try {
      unpackInto(host, wanted, engine.attach(request.name), archive, operation);
    } catch (const Error& error) {
      throw about(wanted, error);
    }
    engine.detach(request.name);
    engine.saveDefinition(request.name, request.definition);
  };
  createWith(host, {wanted.definition, unpacked, wanted.identity, thenStart}, operation);
}

}  // namespace vs
