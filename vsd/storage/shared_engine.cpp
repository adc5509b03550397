#include "vsd/storage/shared_engine.hpp"

#include <algorithm>
#include <charconv>

#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/block_fs.hpp"
#include "vsd/storage/lvm_setup.hpp"
#include "vsd/storage/shared_setup.hpp"
#include "vsd/storage/thin_copy.hpp"

namespace vs::storage {
namespace {

constexpr const char* kHostTag = "vs.host";
constexpr const char* kEpochTag = "vs.epoch";
constexpr Bytes kFirstPool = 256_MiB;
constexpr Bytes kPoolMetadata = 8_MiB;
constexpr Bytes kTemplateSpace = 4_GiB;  // while it is filled

std::uint64_t roundUp(std::uint64_t bytes) {
  constexpr std::uint64_t kExtent = (4_MiB).value;
  return (bytes + kExtent - 1) / kExtent * kExtent;
}

std::string tag(const char* name, const std::string& value) {
  return fmt::format("{}={}", name, value);
}

std::vector<std::string> ownerTags(const Owner& owner) {
  return {tag(kHostTag, owner.host), tag(kEpochTag, std::to_string(owner.epoch))};
}

}  // namespace

std::string poolVolume(const std::string& name) { return "vp-" + name; }

SharedEngine::SharedEngine(std::string name, std::string group, std::string host,
                           const Paths& paths, Runner& runner)
    : LvmEngine(std::move(name), std::move(group), paths, runner, Sharing::Shared),
      host_(std::move(host)) {}

Capabilities SharedEngine::capabilities() const {
  Capabilities can;
  can.tier = "shared";
  can.instantCopy = true;
  can.snapshots = true;
  can.growOnline = true;
  can.sharedBetweenHosts = true;
  can.sizeEnforced = true;
  can.ownDevice = true;
  can.sizesTemplates = true;
  can.copyMethod = "thin volume above its template";
  return can;
}

Space SharedEngine::space() const {
  forgetTable();
  const std::optional<VolumeGroup> found = lvm().group(group());
  if (!found) throw failed("storage '{}': there is no volume group '{}'", name(), group());
  Space space;
  space.size = found->size;
  space.used = {found->size.value - found->free.value};
  const Table known = table();
  for (const auto& [volume, description] : known) {
    if (!description.isThinPool) space.promised.value += description.size.value;
    space.metadataPercent = std::max(space.metadataPercent, description.metadataPercent);
  }
  space.fileSystem = fileSystemOf(*found);
  return space;
}

std::vector<Finding> SharedEngine::findings(const std::string& programDirectory) const {
  std::vector<Finding> found = LvmEngine::findings(programDirectory);
  const std::vector<std::string> disks = lvm().devices(group());
  const std::vector<std::string> problems =
      problemsWithSharing(runner(), programDirectory, disks.empty() ? "" : disks.front());
  for (const std::string& problem : problems) {
    const std::size_t colon = problem.find(": ");
    found.push_back({name(), "leases", Finding::State::Missing, problem.substr(0, colon),
                     colon == std::string::npos ? "" : problem.substr(colon + 2)});
  }
  if (problems.empty())
    found.push_back({name(), "leases", Finding::State::Ok, "held, with the watchdog", ""});
  return found;
}

// --- whose ---

std::optional<Owner> SharedEngine::ownerOf(const Table& table, const LogicalVolume& volume) const {
  const LogicalVolume* with = &volume;
  if (!volume.pool.empty()) {
    const auto pool = table.find(volume.pool);
    if (pool == table.end()) return std::nullopt;
    with = &pool->second;
  }
  Owner owner;
  owner.host = with->tagged(kHostTag);
  const std::string epoch = with->tagged(kEpochTag);
  std::from_chars(epoch.data(), epoch.data() + epoch.size(), owner.epoch);
  return owner.host.empty() ? std::nullopt : std::optional(std::move(owner));
}

std::optional<Owner> SharedEngine::ownerOf(const std::string& name) const {
  const Table known = table();
  const auto found = known.find(poolOf(known, name));
  return found == known.end() ? std::nullopt : ownerOf(known, found->second);
}

bool SharedEngine::isHere(const Table& table, const LogicalVolume& volume) const {
  const std::optional<Owner> owner = ownerOf(table, volume);
  return owner && owner->host == host_;
}

// By its name only when its volume is just being replaced (finishTakeOver) or made.
std::string SharedEngine::poolOf(const Table& table, const std::string& name) const {
  const auto volume = table.find(contextVolume(name));
  return volume == table.end() ? poolVolume(name) : volume->second.pool;
}

Error SharedEngine::ownedBy(const std::string& name, const Owner& owner) const {
  return Error(Kind::Busy,
               fmt::format("volume '{}' on storage '{}' belongs to host '{}' (epoch {})", name,
                           this->name(), owner.host, owner.epoch))
      .withHint(fmt::format("use it there; when it is stopped, or '{}' is dead, 'vsctl take {}' "
                            "brings it here",
                            owner.host, name));
}

Owner SharedEngine::mustOwn(const std::string& name) const {
  const std::optional<Owner> owner = ownerOf(name);
  if (!owner) throw noVolume(name);
  if (owner->host != host_) throw ownedBy(name, *owner);
  return *owner;
}

void SharedEngine::writeOwner(const std::string& name, const Owner& owner) {
  const std::string pool = poolOf(table(), name);
  const std::vector<std::string> old = ownerTags(ownerOf(name).value_or(Owner{}));
  const std::vector<std::string> fresh = ownerTags(owner);
  std::vector<std::string> words = {"lvchange"};
  for (const std::string& each : old) words.insert(words.end(), {"--deltag", each});
  words = addTags(std::move(words), fresh);
  words.push_back(path(pool));
  change(fmt::format("make volume '{}' host {}'s", name, owner.host), std::move(words),
         [&](Table& table) { retag(table[pool], old, fresh); });
}

// --- locks ---

void SharedEngine::activate(const std::string& name, const std::string& volume) {
  try {
    device(volume);
  } catch (const Error& error) {
    if (error.kind() != Kind::Busy) throw;
    const std::optional<Owner> owner = ownerOf(name);
    throw Error(Kind::Busy, fmt::format("volume '{}' on storage '{}' is in use on host '{}'", name,
                                        this->name(), owner ? owner->host : "?"))
        .withHint(owner && owner->host != host_
                      ? "stop it there; after that host's death its lease has to expire first"
                      : "another host holds it, or has died a short time ago: try again");
  }
}

// What was known before was known without the lock. The volume itself may be missing, when a
// hand-over was cut off just as it was being replaced.
void SharedEngine::lock(const std::string& name) {
  const std::string volume = contextVolume(name);
  activate(name, find(volume) ? volume : poolOf(table(), name));
  forgetTable();
}

void SharedEngine::deactivate(const std::vector<std::string>& volumes) {
  if (volumes.empty()) return;
  std::vector<std::string> words = {"lvchange", "-an"};
  for (const std::string& volume : volumes) words.push_back(path(volume));
  change(fmt::format("let volume '{}' go", path(volumes.back())), std::move(words), [](Table&) {});
}

void SharedEngine::letGo(const std::string& name) {
  const Table known = table();
  deactivate(inPool(known, poolOf(known, name)));
}

// The context whose pool it is.
std::string SharedEngine::contextIn(const Table& table, const std::string& pool) const {
  for (const auto& [volume, description] : table)
    if (description.pool == pool && isContext(volume)) return nameIn(volume);
  return nameIn(pool);
}

// Last the pool itself: with it goes the lock.
std::vector<std::string> SharedEngine::inPool(const Table& table, const std::string& pool) const {
  std::vector<std::string> volumes;
  for (const auto& [volume, description] : table)
    if (description.pool == pool) volumes.push_back(volume);
  volumes.push_back(pool);
  return volumes;
}

void SharedEngine::putDown(const std::string& volume) {
  const std::optional<LogicalVolume> found = find(volume);
  if (!found) return;
  if (found->pool.empty()) {
    if (isActive(volume)) deactivate({volume});
    return;
  }
  const Table known = table();
  std::vector<std::string> active;
  for (const std::string& each : inPool(known, found->pool))
    if (isActive(each)) active.push_back(each);
  if (active.empty() && !isActive(found->pool + "-tpool")) return;
  if (active.empty() || active.back() != found->pool) active.push_back(found->pool);
  deactivate(active);
}

// --- templates ---

// It takes what it will have before it is filled. What is too much is given back (seal), where the
// file system can shrink.
Bytes SharedEngine::templateSpace(const std::string& name, std::optional<Bytes> content) const {
  const std::optional<VolumeGroup> found = lvm().group(group());
  const Bytes free = found ? found->free : Bytes{0};
  const Bytes needed = content ? spaceFor(*content) : Bytes{0};
  if (needed > free)
    throw Error(Kind::Failed,
                fmt::format("storage '{}' has no room for template '{}': it takes up to {}, and {} "
                            "are free",
                            this->name(), name, formatBytes(needed), formatBytes(free)),
                ENOSPC);
  const Bytes usual = std::min(kTemplateSpace, Bytes{free.value / 2});
  if (content && fileSystemOf(*found) == "xfs") return needed;
  return std::max(usual, needed);
}

std::string SharedEngine::beginTemplate(const std::string& name, std::optional<Bytes> content) {
  checkName(name, "template name");
  abandonTemplate(name);
  const std::string volume = templateVolume(name);
  if (find(volume))
    throw Error(Kind::Exists, fmt::format("template '{}' exists on storage '{}', or another host "
                                          "is making it",
                                          name, this->name()));
  const Bytes size = templateSpace(name, content);
  const std::vector<std::string> tags = {kOurTag, kUnfinished, tag(kHostTag, host_)};
  change(fmt::format("create volume '{}'", path(volume)),
         addTags({"lvcreate", "-L", sizeWord(size), "-Wn", "-Zn", "-n", volume, group()}, tags),
         [&](Table& table) {
           LogicalVolume made;
           made.name = volume;
           made.size = size;
           made.tags = tags;
           table[volume] = std::move(made);
         });
  return beginTree(volume, Content::Anything);
}

std::vector<std::string> SharedEngine::seal(const std::string& volume) {
  if (const std::optional<Bytes> size = shrinkFileSystem(runner(), device(volume)))
    change(fmt::format("shrink volume '{}'", path(volume)),
           {"lvreduce", "--fs", "ignore", "-f", "-L", sizeWord(*size), path(volume)},
           [&](Table& table) { table[volume].size = *size; });
  deactivate({volume});
  return {"-pr"};
}

void SharedEngine::removeTemplate(const std::string& name) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  forgetTable();
  if (!find(volume)) return;
  mustLieBelowNothing(volume);
  // Marked, no host makes a context of it any more; whoever was about to has done so by the time
  // of the look before it goes.
  Rollback undo;
  undo.add("take the mark from the template", [this, volume] { markTemplate(volume, "--deltag"); });
  markTemplate(volume, "--addtag");
  LvmEngine::removeTemplate(name);
  undo.commit();
}

// --- volumes ---

void SharedEngine::createFromTemplate(const CreateRequest& request, const Progress& progress) {
  const std::string name = checkName(request.name, "volume name");
  const std::string volume = contextVolume(name);
  const std::string pool = poolVolume(name);
  const std::string origin = templateVolume(request.templateName);
  forgetTable();
  templateDescription(request.templateName);
  const LogicalVolume from = get(origin, noTemplate(request.templateName));
  mustBeNew(name);
  const Bytes size = request.size.value_or(std::max(defaultSize(), from.size));
  if (size < from.size)
    throw invalid("volume '{}' cannot have {}: template '{}' has {}", name, formatBytes(size),
                  request.templateName, formatBytes(from.size))
        .withHint("leave the size away, or give a larger one: unused space of a volume takes none");
  if (progress) progress(0);
  Rollback undo;
  undo.add("remove the volume", [this, name] { destroy(name); });
  makePool(name, kFirstPool);
  makeVolume(name, origin, from.size, request.definition);
  if (size > from.size) {
    change(fmt::format("grow volume '{}' to {}", name, formatBytes(size)),
           {"lvextend", "-L", sizeWord(size), path(volume)},
           [&](Table& table) { table[volume].size = size; });
    mount(volume, Access::ReadWrite);
    growFileSystem(runner(), dm::pathOf(dm::find(upper(volume)).value().number),
                   mountPoint(volume));
    unmountHeld(volume);  // it will be attached at once
  }
  undo.commit();
}

void SharedEngine::createEmpty(const CreateRequest& request) {
  checkName(request.name, "volume name");
  forgetTable();
  mustBeNew(request.name);
  Rollback undo;
  undo.add("remove the volume", [this, name = request.name] { destroy(name); });
  makePool(request.name, kFirstPool);
  createEmptyIn(poolVolume(request.name), request);
  undo.commit();
}

void SharedEngine::mustBeNew(const std::string& name) const {
  if (const std::optional<Owner> owner = ownerOf(name))
    throw Error(Kind::Exists, fmt::format("volume '{}' exists on storage '{}' and belongs to host "
                                          "'{}'",
                                          name, this->name(), owner->host));
}

void SharedEngine::makePool(const std::string& name, Bytes size) {
  const std::string pool = poolVolume(name);
  std::vector<std::string> tags = ownerTags({host_, 1});
  tags.emplace_back(kOurTag);
  change(fmt::format("create pool '{}'", path(pool)),
         addTags({"lvcreate", "--type", "thin-pool", "-L", sizeWord(size), "--poolmetadatasize",
                  sizeWord(kPoolMetadata), "-n", pool, group()},
                 tags),
         [&](Table& table) {
           LogicalVolume made;
           made.name = pool;
           made.size = size;
           made.tags = tags;
           made.isThinPool = true;
           table[pool] = std::move(made);
         });
}

void SharedEngine::makeVolume(const std::string& name, const std::string& origin, Bytes originSize,
                              const std::string& definition) {
  const std::string volume = contextVolume(name);
  const std::string pool = poolVolume(name);
  const std::vector<std::string> tags = tagsFrom(kDefinitionTag, definition);
  std::vector<std::string> words = {"lvcreate", "-s",         "-kn",      "-p",       "rw",   "-n",
                                    volume,     "--thinpool", path(pool), "--addtag", kOurTag};
  words = addTags(std::move(words), tags);
  words.push_back(path(origin));
  change(fmt::format("create volume '{}'", path(volume)), std::move(words), [&](Table& table) {
    LogicalVolume made;
    made.name = volume;
    made.size = originSize;
    made.pool = pool;
    made.origin = origin;
    made.tags = tags;
    made.tags.emplace_back(kOurTag);
    table[volume] = std::move(made);
  });
}

// A volume of another context lies in another pool, so what it has of its own is copied, from a
// snapshot in the first one's pool.
void SharedEngine::clone(const std::string& from, const CreateRequest& request,
                         const Progress& progress) {
  checkName(request.name, "volume name");
  forgetTable();
  mustBeNew(request.name);
  const bool wasActive = isActive(contextVolume(from));
  bringUp(from);
  Rollback put;
  if (!wasActive) put.add("let the volume go", [this, from] { letGo(from); });
  const std::string fresh = freshVolume(request.name);
  put.add("remove the snapshot for the copy", [this, fresh, from] {
    if (find(fresh)) remove({fresh}, fmt::format("remove the copied snapshot of '{}'", from));
  });
  snapshotOf(contextVolume(from), fresh, {});
  Rollback undo;
  undo.add("remove the volume", [this, name = request.name] { destroy(name); });
  copyFrom(fresh, request, progress);
  putDown(contextVolume(request.name));
  undo.commit();
}

void SharedEngine::copyFrom(const std::string& from, const CreateRequest& request,
                            const Progress& progress) {
  const LogicalVolume source = get(from, noVolume(from));
  const std::string pool = deviceName(group(), source.pool);
  const auto thin = dm::thinVolume(deviceName(group(), from));
  if (!thin) throw failed("volume '{}' is not active", path(from));
  const std::vector<Extent> extents =
      mappedExtents(runner(), pool + "-tpool", pool + "_tmeta", thin->id);
  // All of it at once, and as much again as a new pool has.
  makePool(request.name, {roundUp(lengthOf(extents) + kFirstPool.value)});
  const std::string volume = contextVolume(request.name);
  if (const std::optional<std::string> origin = originBelow(from)) {
    const Bytes originSize = get(*origin, noTemplate(*origin)).size;
    makeVolume(request.name, *origin, originSize, request.definition);
    if (source.size > originSize)
      change(fmt::format("grow volume '{}' to {}", request.name, formatBytes(source.size)),
             {"lvextend", "-L", sizeWord(source.size), path(volume)},
             [&](Table& table) { table[volume].size = source.size; });
  } else {
    createThin(thinIn(poolVolume(request.name), request, source.size));
  }
  copyExtents(extents, device(from), device(volume), progress);
}

// LVM tells what a snapshot was taken of; the kernel, what lies below all of them.
std::optional<std::string> SharedEngine::originBelow(const std::string& volume) const {
  constexpr std::string_view kLayer = "-real";  // LVM's name for an origin below others
  const auto thin = dm::thinVolume(deviceName(group(), volume));
  if (!thin) throw failed("volume '{}' is not active", path(volume));
  if (!thin->externalOrigin) return std::nullopt;  // it was imported
  std::string name = dm::nameOf(*thin->externalOrigin);
  if (name.ends_with(kLayer)) name.resize(name.size() - kLayer.size());
  if (!isDeviceOf(group(), name)) throw failed("volume '{}' lies above '{}'", path(volume), name);
  return volumeOfDevice(group(), name);
}

void SharedEngine::rename(const std::string& from, const std::string& to) {
  mustOwn(from);
  const std::string pool = poolOf(table(), from);
  if (const std::optional<Owner> owner = ownerOf(to)) throw volumeExists(to);
  LvmEngine::rename(from, to);
  if (pool != poolVolume(to)) renameVolume(pool, poolVolume(to));
  // What LVM knows of the volumes in it.
  forgetTable();
}

void SharedEngine::saveDefinition(const std::string& name, const std::string& definition) {
  mustOwn(name);
  LvmEngine::saveDefinition(name, definition);
}

void SharedEngine::destroy(const std::string& name) {
  checkName(name, "volume name");
  forgetTable();
  const Table known = table();
  const auto volume = known.find(contextVolume(name));
  const auto pool = known.find(volume == known.end() ? poolVolume(name) : volume->second.pool);
  if (pool == known.end()) return;
  if (!isHere(known, pool->second)) {
    log::warning("volume '{}' on storage '{}' is another host's, leaving it", name, this->name());
    return;
  }
  detach(name);
  // With all that is in it.
  change(fmt::format("remove volume '{}'", name), {"lvremove", path(pool->first)},
         [&](Table& table) {
           std::erase_if(table, [&](const auto& entry) {
             return entry.first == pool->first || entry.second.pool == pool->first;
           });
         });
}

std::string SharedEngine::attach(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  if (isMounted(mountPoint(volume))) return LvmEngine::attach(name);
  bringUp(name);
  return LvmEngine::attach(name);
}

void SharedEngine::bringUp(const std::string& name) {
  mustOwn(name);
  if (isActive(contextVolume(name))) return;
  lock(name);
  Rollback undo;
  undo.add("let the volume go", [this, name] { letGo(name); });
  mustOwn(name);
  // The volume may not be what it says before a hand-over to this host is finished.
  std::vector<std::string> sentences;
  settleEpochs(name, sentences);
  for (const std::string& sentence : sentences) log::info("{}", sentence);
  undo.commit();
}

void SharedEngine::restoreSnapshot(const std::string& name, const std::string& snapshot) {
  mustOwn(name);
  LvmEngine::restoreSnapshot(name, snapshot);
}

}  // namespace vs::storage
