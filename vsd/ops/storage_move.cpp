#include "vsd/ops/storage_move.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/process.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/ops/cage.hpp"
#include "vsd/ops/checkpoints.hpp"
#include "vsd/ops/create.hpp"
#include "vsd/ops/limits.hpp"
#include "vsd/ops/room.hpp"
#include "vsd/ops/undo.hpp"

namespace vs {
namespace {

using Engine = storage::Engine;

// A context's own tree may be as large as it likes: its volume is its bound.
constexpr std::uint64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr TreeSizes kAnySizes{kAny, {kAny}, {kAny}, {kAny}};

Error cannotMove(Kind kind, const StorageMoveRequest& request, std::string_view why) {
  return Error(kind, fmt::format("cannot move context '{}' to storage '{}': {}", request.name,
                                 request.to, why));
}

// The size that its volume gets there, of a tree that is not known yet: what it has here, or was
// once given; nullopt: that storage's usual one.
std::optional<Bytes> wantedSize(const Definition& definition, const Engine& from,
                                const Engine& to) {
  if (!to.capabilities().sizeEnforced) return std::nullopt;
  if (const std::optional<Bytes> size = from.sizeOf(definition.name)) return size;
  return definition.size;
}

// Of a storage without sizes the tree may be larger than that.
std::optional<Bytes> sizeFor(const Host& host, const storage::UnpackResult& tree,
                             std::optional<Bytes> wanted, const Engine& from, const Engine& to) {
  if (!to.capabilities().sizeEnforced || from.capabilities().sizeEnforced) return wanted;
  const Bytes needed = sizeForTree(tree.disk);
  return needed > wanted.value_or(host.config.defaultSize) ? std::optional(needed) : wanted;
}

void needSnapshotsThere(const StorageMoveRequest& request, const Definition& definition,
                        const Engine& to) {
  if (to.capabilities().snapshots) return;
  if (definition.disk == Disk::Undoable)
    throw cannotMove(Kind::Unsupported, request,
                     "its disk is undoable, and that storage has no snapshots")
        .withHint(fmt::format("'vsctl set {} --disk normal' first", request.name));
  if (!definition.schedule.isEmpty())
    throw cannotMove(Kind::Unsupported, request,
                     "it has a schedule, and that storage has no snapshots")
        .withHint(fmt::format("'vsctl snapshot schedule {} off' first", request.name));
}

void checkSnapshots(const StorageMoveRequest& request, const Engine& from) {
  const std::size_t count = from.listSnapshots(request.name).size();
  if (count == 0 || request.snapshots == StorageMoveRequest::Snapshots::Lose) return;
  throw cannotMove(
      Kind::InvalidState, request,
      fmt::format("it has {} snapshot{}, which cannot go along", count, count == 1 ? "" : "s"))
      .withHint("'--force=snapshots' moves it and removes them");
}

void checkStorageMove(const Host& host, const StorageMoveRequest& request) {
  const ContextPicture context = host.contexts.find(request.name);
  const auto to = host.storages.named(request.to);
  const auto from = storageOf(host, request.name);
  if (from->name() == to->name())
    throw cannotMove(Kind::InvalidState, request, "it lies there already");
  if (context.removing) throw cannotMove(Kind::InvalidState, request, "it is being removed");
  if (!isDown(context.state))
    throw cannotMove(Kind::InvalidState, request, fmt::format("it is {}", nameOf(context.state)))
        .withHint(fmt::format("stop it first with 'vsctl stop {}'", request.name));
  if (!from->hasVolume(request.name))
    throw cannotMove(Kind::NotFound, request,
                     fmt::format("storage '{}' has no volume of it", from->name()));
  if (hasUndo(host, context.definition))
    throw cannotMove(Kind::InvalidState, request,
                     "what it changed when it last ran is neither kept nor discarded yet")
        .withHint(fmt::format("'vsctl undo {}' says which", request.name));
  needSnapshotsThere(request, context.definition, *to);
  Definition there = context.definition;
  there.storage = to->name();
  checkLimits(host, there);
  checkSnapshots(request, *from);
  mustBeNoVolume(*to, request.name);
  if (to->capabilities().sizeEnforced)
    checkPromise(host, *to,
                 wantedSize(context.definition, *from, *to).value_or(host.config.defaultSize));
}

// Packs here, unpacks there, at the same time, both in cages of their own.
void copyTree(const Host& host, const std::string& source, const std::string& target,
              const storage::UnpackResult& sizes, Operation& operation) {
  const Fd from = openFile(source, O_PATH | O_DIRECTORY);
  const Fd into = openDirectory(target);
  const TreeSizes bounds{sizes.entries, sizes.bytes, sizes.disk, sizes.largest};
  OperationCage packing(host, contextBounds(kAnySizes), operation);
  OperationCage unpacking(host, contextBounds(bounds), operation);
  unpacking.countTowards(sizes.bytes);
  FdPair pipe = makePipe();
  storage::UnpackResult packed;
  std::exception_ptr packTrouble;
  std::thread packer([&] {
    try {
      packed = storage::packTree(host.runner, packing, from.get(), pipe.second.get());
    } catch (...) {
      packTrouble = std::current_exception();
    }
    pipe.second.reset();  // the end of the archive
  });
  storage::UnpackResult unpacked;
  std::exception_ptr unpackTrouble;
  try {
    unpacked = storage::unpackArchive(host.runner, unpacking, pipe.first.get(), into.get());
  } catch (...) {
    unpackTrouble = std::current_exception();
  }
  pipe.first.reset();  // or the packer would write for ever
  packer.join();
  // Who stopped first has the reason: an archive that ends early is its packer's fault.
  if (unpackTrouble) {
    try {
      std::rethrow_exception(unpackTrouble);
    } catch (const Error& error) {
      if (!packTrouble || error.kind() != Kind::InvalidParameter) throw;
    }
  }
  if (packTrouble) std::rethrow_exception(packTrouble);
  if (packed.sha256 != unpacked.sha256)
    throw failed("what was unpacked is not what was packed: its checksum is another");
  noteSkipped(packed, operation);
  noteSkipped(unpacked, operation);
  check(::syncfs(into.get()), "write out '{}'", target);
}

storage::UnpackResult measure(const Host& host, const std::string& tree, Operation& operation) {
  const Fd root = openFile(tree, O_PATH | O_DIRECTORY);
  const OperationCage cage(host, contextBounds(kAnySizes), operation);
  return storage::measureTree(host.runner, cage, root.get());
}

void mustBeEqual(const storage::UnpackResult& here, const storage::UnpackResult& there) {
  if (here.entries == there.entries && here.bytes == there.bytes && here.largest == there.largest)
    return;
  throw failed("the copy is not like the original: {} entries with {} bytes of {} with {}",
               there.entries, there.bytes.value, here.entries, here.bytes.value);
}

}  // namespace

std::vector<std::string> planStorageMove(const Host& host, const StorageMoveRequest& request) {
  checkStorageMove(host, request);
  const auto from = storageOf(host, request.name);
  const std::string& name = request.name;
  std::vector<std::string> plan{
      fmt::format("measure the tree of the volume '{}' ({})", name, from->name()),
      fmt::format("make the empty volume '{}' ({})", name, request.to),
      "pack the tree and unpack it there, each in a cage, and verify it",
      fmt::format("record that context '{}' lies on storage '{}'", name, request.to)};
  const std::size_t count = from->listSnapshots(name).size();
  plan.push_back(count == 0 ? fmt::format("remove the volume '{}' ({})", name, from->name())
                            : fmt::format("remove the volume '{}' ({}) and its {} snapshot{}", name,
                                          from->name(), count, count == 1 ? "" : "s"));
  return plan;
}

void storageMove(const Host& host, const StorageMoveRequest& request, Operation& operation) {
  checkStorageMove(host, request);
  Rollback undo;
  const std::string name = request.name;
  const auto from = storageOf(host, name);
  const auto to = host.storages.named(request.to);
  Definition definition = host.contexts.find(name).definition;

  operation.step("measure it");
  undo.add("detach its volume", [from, name] { from->detach(name); });
  const std::string source = from->attach(name);
  const storage::UnpackResult sizes = measure(host, source, operation);
  const std::optional<Bytes> size =
      sizeFor(host, sizes, wantedSize(definition, *from, *to), *from, *to);
  if (to->capabilities().sizeEnforced)
    checkPromise(host, *to, size.value_or(host.config.defaultSize));
  const std::string intent = fmt::format("move context '{}'", name);
  needSpace(*to, intent, sizes.disk);

  operation.step("make an empty volume there");
  undo.add("remove the new volume", [to, name] { to->destroy(name); });
  // Without a definition: nobody makes a context of a volume that is half full.
  to->createEmpty({name, definition.templateName, size, ""});
  const std::string target = to->attach(name);

  operation.step("carry its files over");
  try {
    copyTree(host, source, target, sizes, operation);
  } catch (const Error& error) {
    if (isFull(error)) throw storageFull(intent, to->name(), error);
    throw;
  }

  operation.step("verify them");
  mustBeEqual(sizes, measure(host, target, operation));
  to->detach(name);
  from->detach(name);
  definition.storage = to->name();
  if (definition.size && size) definition.size = to->sizeOf(name);
  to->saveDefinition(name, toJson(definition).dump());

  operation.step("record it");
  operation.passPointOfNoReturn();
  host.contexts.replaceDefinition(definition);
  undo.commit();  // from here it lies there
  if (definition.size && !size)
    operation.note(fmt::format("its size of {} is no limit on storage '{}'",
                               formatBytes(*definition.size), to->name()));

  operation.step("remove the old volume");
  from->destroy(name);
  forgetCheckpoints(host, name);  // their snapshots have not come along
}

void finishStorageMove(const Host& host, const std::string& name, const std::string& from,
                       const std::string& to) {
  const auto context = host.contexts.findIfAny(name);
  if (!context) return;
  const std::string& kept = context->definition.storage;
  if (kept != from && kept != to) return;
  const auto other = host.storages.named(kept == from ? to : from);
  for (const storage::Volume& volume : other->list()) {
    if (volume.name != name) continue;
    // Half full it has no definition; of another context it would be somebody's data.
    const Json written = parseJson(volume.definition.empty() ? "{}" : volume.definition, "volume");
    if (written.value("uuid", context->definition.uuid) != context->definition.uuid) continue;
    other->destroy(name);
    if (kept == to) forgetCheckpoints(host, name);
  }
  if (isDown(context->state)) host.storages.named(kept)->detach(name);
}

}  // namespace vs
