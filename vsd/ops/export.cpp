#include "vsd/ops/export.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <limits>

#include "vsd/base/archive_frame.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/process.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/context/manifest.hpp"
#include "vsd/ops/cage.hpp"
#include "vsd/ops/snapshots.hpp"

namespace vs {
namespace {

// A context's own tree may be as large as it likes: its volume is its bound.
constexpr std::uint64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr TreeSizes kAnySizes{kAny, {kAny}, {kAny}, {kAny}};

void checkExport(const Host& host, const ExportRequest& request) {
  const ContextPicture context = host.contexts.find(request.name);
  if (!request.snapshot.empty()) return needSnapshot(host, request.name, request.snapshot);
  const auto storage = storageOf(host, request.name);
  if (isDown(context.state) || context.state == State::Frozen || storage->capabilities().snapshots)
    return;
  throw Error(Kind::InvalidState,
              fmt::format("cannot export context '{}': it is {}, and storage '{}' has no snapshots",
                          request.name, nameOf(context.state), storage->name()))
      .withHint(fmt::format("stop it first with 'vsctl stop {0}', or hold it still meanwhile with "
                            "'vsctl freeze {0}'",
                            request.name));
}

// Of a tier without snapshots; it is not running.
std::shared_ptr<const storage::OpenTree> openVolume(const ContextPicture& context,
                                                    std::shared_ptr<storage::Engine> storage) {
  const std::string name = context.definition.name;
  const bool wasDown = isDown(context.state);
  return std::make_shared<const storage::OpenTree>(storage->attach(name), [=] {
    if (wasDown) storage->detach(name);
  });
}

// To the disk, where it is a file.
void syncArchive(int archive) {
  if (::fsync(archive) < 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
    throw systemError(errno, "write the archive");
}

void writeArchive(const Host& host, Manifest manifest, const std::string& path, int archive,
                  Operation& operation) {
  const Fd tree = openFile(path, O_PATH | O_DIRECTORY);
  OperationCage cage(host, contextBounds(kAnySizes), operation);
  operation.step("measure it");
  const storage::UnpackResult sizes = storage::measureTree(host.runner, cage, tree.get());
  manifest.sizes = {sizes.entries, sizes.bytes, sizes.disk, sizes.largest};

  operation.step("pack it in a cage");
  cage.countTowards(sizes.bytes);
  const std::string text = encodeManifest(manifest);
  writeAll(archive, encodeHead(text), "the archive");
  const storage::UnpackResult packed = storage::packTree(host.runner, cage, tree.get(), archive);
  if (packed.entries != sizes.entries || packed.bytes > sizes.bytes)
    throw failed("cannot export context '{}': its files changed while they were packed",
                 manifest.definition.name);
  writeAll(archive, encodeEnd(text, packed.sha256), "the archive");
  syncArchive(archive);
  noteSkipped(packed, operation);
  operation.note(fmt::format("{} entries, {} of content, {} packed", packed.entries,
                             formatBytes(packed.bytes), formatBytes(packed.archive)));
}

}  // namespace

std::vector<std::string> planExport(const Host& host, const ExportRequest& request) {
  checkExport(host, request);
  std::vector<std::string> plan;
  const bool ofNow =
      request.snapshot.empty() && storageOf(host, request.name)->capabilities().snapshots;
  if (ofNow) plan.push_back(fmt::format("take a snapshot of the volume '{}'", request.name));
  plan.push_back(fmt::format("pack {} and the definition of context '{}' as tar with zstd",
                             request.snapshot.empty()
                                 ? std::string("the tree")
                                 : fmt::format("the tree of snapshot '{}'", request.snapshot),
                             request.name));
  if (ofNow) plan.push_back("remove the snapshot");
  return plan;
}

void withTree(const Host& host, const ExportRequest& request, Operation& operation,
              const std::function<void(const std::string& path)>& use) {
  checkExport(host, request);
  Rollback undo;
  const std::string name = request.name;
  const ContextPicture context = host.contexts.find(name);
  const auto storage = storageOf(host, name);
  const bool ofNow = request.snapshot.empty() && storage->capabilities().snapshots;
  const std::string snapshot = ofNow ? kExportSnapshot : request.snapshot;

  if (ofNow) {
    operation.step("take a snapshot");
    undoExport(host, name, {});
    storage->createSnapshot(name, snapshot, storage::MadeBy::User);
    undo.add("remove the snapshot that was taken for it",
             [storage, name, snapshot] { storage->removeSnapshot(name, snapshot); });
  }

  {
    operation.step("open it");
    const auto tree =
        snapshot.empty() ? openVolume(context, storage) : storage->openSnapshot(name, snapshot);
    use(tree->path());
  }

  if (ofNow) {
    operation.step("remove the snapshot");
    storage->removeSnapshot(name, snapshot);
  }
  undo.commit();
}

void exportContext(const Host& host, const ExportRequest& request, int archive,
                   Operation& operation) {
  withTree(host, request, operation, [&](const std::string& tree) {
    const Definition definition = host.contexts.find(request.name).definition;
    const Manifest manifest{definition,
                            request.snapshot,
                            now(),
                            hostName(),
                            storageOf(host, request.name)->sizeOf(request.name),
                            {}};
    writeArchive(host, manifest, tree, archive, operation);
  });
}

void undoExport(const Host& host, const std::string& name, const std::string& snapshot) {
  if (!host.contexts.findIfAny(name)) return;
  const auto storage = storageOf(host, name);
  const std::string used = snapshot.empty() ? kExportSnapshot : snapshot;
  // Of a volume that is another host's by now, that host's exports are none of ours.
  if (!storage->hasVolume(name) || !hasSnapshot(*storage, name, used)) return;
  storage->openSnapshot(name, used);  // and closed at once
  if (snapshot.empty()) storage->removeSnapshot(name, used);
}

}  // namespace vs
