#include "vsd/storage/lvm_engine.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <regex>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/block_fs.hpp"
#include "vsd/storage/directory.hpp"
#include "vsd/storage/fs_type.hpp"
#include "vsd/storage/lvm_setup.hpp"

namespace vs::storage {
namespace {

constexpr Millis kLockTime{30'000};
constexpr Millis kLockPause{200};
// What is known stays true in a group that nobody else changes.
constexpr Millis kKeepsLocal{std::chrono::hours(24 * 365 * 10)};
constexpr Millis kKeepsShared{1'000};

// LVM takes the number of a new thin device from its own metadata. When the pool has such a device
// already, nobody knows it: a call was killed after it had made it and before it wrote that down.
// LVM says so, and that the administrator has to remove it.
struct Orphan {
  std::string pool;  // a device
  std::string number;
};
std::optional<Orphan> orphanIn(const std::string& words) {
  static const std::regex said(
      R"(Thin pool (\S+) \([0-9:]+\) already contain thin device with device_id ([0-9]+))");
  std::smatch match;
  if (!std::regex_search(words, match, said)) return std::nullopt;
  return Orphan{match[1], match[2]};
}

}  // namespace

std::vector<std::string> tagsWithPrefix(const LogicalVolume& volume, const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& tag : volume.tags)
    if (tag.starts_with(prefix) && tag.size() > prefix.size() &&
        std::isdigit(static_cast<unsigned char>(tag[prefix.size()])))
      found.push_back(tag);
  return found;
}

std::vector<std::string> addTags(std::vector<std::string> words,
                                 const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    words.push_back("--addtag");
    words.push_back(tag);
  }
  return words;
}

void retag(LogicalVolume& volume, const std::vector<std::string>& without,
           const std::vector<std::string>& with) {
  std::erase_if(volume.tags, [&](const std::string& tag) {
    return std::find(without.begin(), without.end(), tag) != without.end();
  });
  volume.tags.insert(volume.tags.end(), with.begin(), with.end());
}

Error noSnapshot(const std::string& name, const std::string& snapshot) {
  return Error(Kind::NotFound, fmt::format("volume '{}' has no snapshot '{}'", name, snapshot))
      .withHint(fmt::format("vsctl snapshot list {} shows what there is", name));
}

Bytes spaceFor(Bytes content) {
  constexpr std::uint64_t kExtent = (4_MiB).value;
  return {content.value / 4 * 5 / kExtent * kExtent + (512_MiB).value};
}

std::string sizeWord(Bytes size) { return fmt::format("{}b", size.value); }

LvmEngine::LvmEngine(std::string name, std::string group, const Paths& paths, Runner& runner,
                     Sharing sharing)
    : name_(std::move(name)),
      group_(std::move(group)),
      paths_(paths),
      runner_(runner),
      lvm_(runner, sharing),
      keeps_(sharing == Sharing::Shared ? kKeepsShared : kKeepsLocal) {}

bool LvmEngine::isHere(const Table&, const LogicalVolume&) const { return true; }
void LvmEngine::putDown(const std::string&) {}
void LvmEngine::bringUp(const std::string&) {}
std::vector<std::string> LvmEngine::seal(const std::string&) { return {}; }

Error LvmEngine::noTemplate(const std::string& name) const {
  return Error(Kind::NotFound, fmt::format("storage '{}' has no template '{}'", name_, name))
      .withHint("vsctl template list shows what there is, vsctl template build makes one");
}

Error LvmEngine::noVolume(const std::string& name) const {
  return Error(Kind::NotFound, fmt::format("storage '{}' has no volume '{}'", name_, name));
}

Error LvmEngine::volumeExists(const std::string& name) const {
  return Error(Kind::Exists, fmt::format("volume '{}' exists on storage '{}'", name, name_));
}

// --- what there is ---

LvmEngine::Table LvmEngine::table() const {
  const std::lock_guard lock(mutex_);
  if (!table_ || std::chrono::steady_clock::now() >= goodUntil_) {
    Table fresh;
    for (LogicalVolume& volume : lvm_.volumes(group_)) fresh[volume.name] = std::move(volume);
    table_ = std::move(fresh);
    goodUntil_ = deadlineIn(keeps_);
  }
  return *table_;
}

std::optional<LogicalVolume> LvmEngine::find(const std::string& volume) const {
  const Table known = table();
  const auto found = known.find(volume);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

LogicalVolume LvmEngine::get(const std::string& volume, const Error& absent) const {
  const std::optional<LogicalVolume> found = find(volume);
  if (!found) throw absent;
  return *found;
}

void LvmEngine::forgetTable() const {
  const std::lock_guard lock(mutex_);
  table_.reset();
}

// True: what stopped a call is out of the way, or may be, and it is worth another attempt.
bool LvmEngine::mend(const Error& error, int attempt) const {
  if (const std::optional<Orphan> orphan = orphanIn(error.text())) {
    log::warning(
        "storage '{}': removing thin device {}, which a call of lvm that was cut off has "
        "left in the pool",
        name_, orphan->number);
    dm::message(orphan->pool, "delete " + orphan->number);
    return true;
  }
  // Another host is changing the group at this moment, or this one has not joined the others since
  // it was started (which takes as long as its old lease is good), or the disk was too slow once
  // for sanlock.
  const auto says = [&](const char* words) {
    return error.text().find(words) != std::string::npos;
  };
  const bool leasesLost = says("storage errors for sanlock leases");
  const bool joining = says("lock start in progress");
  if (!says("due to failed lock") && !leasesLost && !joining) return false;
  // sanlock has given the group up, which lvmlockd does not notice as long as this host holds no
  // lease in it: it has to leave and to join again. With a lease in use lvm refuses to leave.
  if (leasesLost && attempt > 0) {
    try {
      lvm_.stopLocks(group_);
    } catch (const Error& refused) {
      log::debug("storage '{}': {}", name_, refused.text());
    }
  }
  lvm_.startLocks(group_);
  std::this_thread::sleep_for(kLockPause);
  return true;
}

void LvmEngine::change(const std::string& intent, std::vector<std::string> words, const Note& note,
                       const std::string& heldStill) {
  const std::lock_guard lock(mutex_);
  std::optional<Table> before = std::exchange(table_, std::nullopt);
  std::optional<Frozen> still;
  if (!heldStill.empty() && isMounted(heldStill)) still.emplace(heldStill);
  // One that fails may have done half of it: what was known then stays forgotten.
  const Deadline deadline = deadlineIn(kLockTime);
  for (int attempt = 0;; ++attempt) {
    try {
      lvm_.change(intent, words);
      break;
    } catch (const Error& error) {
      if (std::chrono::steady_clock::now() >= deadline || !mend(error, attempt)) throw;
    }
  }
  if (!before) return;
  note(*before);
  table_ = std::move(before);
}

std::vector<Volume> LvmEngine::list() const {
  forgetTable();
  std::vector<Volume> volumes;
  const Table known = table();
  for (const auto& [name, description] : known) {
    if (!isContext(name) || !isHere(known, description)) continue;
    Volume volume;
    volume.name = nameIn(name);
    volume.size = description.size;
    volume.attached = isMounted(mountPoint(name));
    try {
      volume.definition = textFrom(kDefinitionTag, description.tags);
    } catch (const Error& error) {
      // One that somebody has edited must not hide the others.
      log::warning("volume '{}': {}, ignoring", path(name), error.text());
    }
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

// A snapshot or a clone that was cut off has left its file system held still.
void LvmEngine::thawAll(const std::set<std::string>& inUse) {
  for (const auto& [volume, description] : table())
    if (isContext(volume) && !inUse.contains(nameIn(volume)) && isMounted(mountPoint(volume)) &&
        !dm::isCutOff(upper(volume)))
      thaw(mountPoint(volume));
}

bool LvmEngine::hasVolume(const std::string& name) const {
  const Table known = table();
  const auto found = known.find(contextVolume(name));
  return found != known.end() && isHere(known, found->second);
}

std::vector<std::string> LvmEngine::letDevicesGo() {
  std::vector<std::string> sentences;
  // Pools first: everything else waits for them.
  for (const char* kind : {"vs-", "vp-", "vt-", "vc-", "vn-", "vo-", "vd-", "ve-"})
    for (const std::string& name : dm::resumeAll(deviceName(group_, kind)))
      sentences.push_back(fmt::format("let device '{}' go on, which was suspended", name));
  return sentences;
}

std::vector<std::string> LvmEngine::removeLeftovers(const std::set<std::string>& inUse) {
  std::vector<std::string> removed;
  removeParts(removed);
  forgetTable();
  closeViews(inUse, removed);
  finishChanges(inUse, removed);
  thawAll(inUse);
  const Table known = table();
  for (const auto& [name, description] : known) {
    if (!isTemplate(name)) continue;
    const std::string templateName = nameIn(name);
    if (inUse.contains(templateName)) continue;
    unmountVolume(name);
    if (!description.has(kUnfinished) || !isHere(known, description)) continue;
    removed.push_back(
        abandonTemplateVolume(name)
            ? fmt::format("removed what was left of template '{}' on storage '{}' (not finished)",
                          templateName, name_)
            : fmt::format("template '{}' on storage '{}' is there again: contexts lie above it",
                          templateName, name_));
  }
  return removed;
}

// An activation that was cut off leaves a pool's parts without the pool. LVM does not activate it
// as long as they are there, and does not remove them, for it takes it for inactive.
void LvmEngine::removeParts(std::vector<std::string>& sentences) const {
  const std::lock_guard lock(mutex_);  // an activation of ours that is under way has parts, too
  for (const std::string_view part : {"_tdata", "_tmeta", "-real"})
    for (const std::string& device : dm::list(deviceName(group_, ""))) {
      if (!isDeviceOf(group_, device) || !device.ends_with(part)) continue;
      const std::string whole = device.substr(0, device.size() - part.size());
      if (dm::numberOf(whole + "-tpool") || !dm::removeUnused(device)) continue;
      sentences.push_back(fmt::format("removed device '{}', which nothing uses", device));
    }
}

// --- names and paths ---

std::string LvmEngine::path(const std::string& volume) const { return group_ + "/" + volume; }

// Found by its name among devices, not by its node: udev, for which no call of ours waits, may not
// have made that yet.
std::string LvmEngine::device(const std::string& volume) {
  const std::string name = deviceName(group_, volume);
  if (const auto number = dm::numberOf(name)) return dm::pathOf(*number);
  change(fmt::format("activate volume '{}'", path(volume)), {"lvchange", "-ay", "-K", path(volume)},
         [](Table&) {});
  if (const auto number = dm::numberOf(name)) return dm::pathOf(*number);
  throw failed("volume '{}' was activated, but there is no device '{}'", path(volume), name);
}

bool LvmEngine::isActive(const std::string& volume) const {
  return dm::numberOf(deviceName(group_, volume)).has_value();
}

std::string LvmEngine::upper(const std::string& volume) const {
  return fmt::format("vsd.{}.{}", name_, volume);
}

std::string LvmEngine::mountPoint(const std::string& volume) const {
  return fmt::format("{}/{}", paths_.storageOf(name_), volume);
}

// --- from a volume to a tree ---

std::string LvmEngine::mount(const std::string& volume, const std::string& source, Access access) {
  const std::string directory = mountPoint(volume);
  if (!isMounted(directory)) {
    dm::remove(upper(volume));  // of an earlier attempt that did not come to mount it
    const dm::Device made = dm::createLinear(upper(volume), device(source));
    mountDevice(runner_, dm::pathOf(made.number), directory, access);
  }
  return directory + "/root";
}

void LvmEngine::unmountVolume(const std::string& volume) {
  const bool cutOff = dm::isCutOff(upper(volume));
  unmountHeld(volume);
  try {
    putDown(volume);
  } catch (const Error& error) {
    // Whoever used it is gone all the same; the disks below may be, too.
    if (!cutOff) throw;
    log::warning("storage '{}': {}, ignoring", name_, error.text());
  }
}

void LvmEngine::unmountHeld(const std::string& volume) {
  // What was cut off for ever would have its file system wait for writes that cannot end.
  if (dm::isCutOff(upper(volume)) && isMounted(mountPoint(volume))) shutDown(mountPoint(volume));
  unmount(mountPoint(volume));
  dm::remove(upper(volume));
  ::rmdir(mountPoint(volume).c_str());
}

void LvmEngine::snapshotOf(const std::string& origin, const std::string& volume,
                           const std::vector<std::string>& tags) {
  std::vector<std::string> words = {"lvcreate", "-s",   "-kn",      "-p",   "rw",
                                    "-n",       volume, "--addtag", kOurTag};
  words = addTags(std::move(words), tags);
  words.push_back(path(origin));
  const auto note = [&](Table& table) {
    LogicalVolume made = table[origin];
    made.name = volume;
    made.origin = origin;
    made.tags = tags;
    made.tags.emplace_back(kOurTag);
    table[volume] = std::move(made);
  };
  change(fmt::format("create volume '{}'", path(volume)), std::move(words), note,
         mountPoint(origin));
}

void LvmEngine::createThin(const LogicalVolume& wanted) {
  change(fmt::format("create volume '{}'", path(wanted.name)),
         addTags({"lvcreate", "-V", sizeWord(wanted.size), "--thinpool", wanted.pool, "-kn", "-Wn",
                  "-n", wanted.name, group_},
                 wanted.tags),
         [&](Table& table) { table[wanted.name] = wanted; });
}

LogicalVolume LvmEngine::thinIn(const std::string& pool, const CreateRequest& request, Bytes size) {
  LogicalVolume wanted;
  wanted.name = contextVolume(request.name);
  wanted.size = size;
  wanted.pool = pool;
  wanted.tags = tagsFrom(kDefinitionTag, request.definition);
  wanted.tags.emplace_back(kOurTag);
  return wanted;
}

void LvmEngine::createEmptyIn(const std::string& pool, const CreateRequest& request) {
  const LogicalVolume wanted = thinIn(pool, request, request.size.value_or(defaultSize()));
  Rollback undo;
  undo.add("remove the volume", [this, name = request.name] { destroy(name); });
  createThin(wanted);
  beginTree(wanted.name, Content::Zeros);
  unmountHeld(wanted.name);  // it will be attached at once
  undo.commit();
}

void LvmEngine::remove(const std::vector<std::string>& volumes, const std::string& intent) {
  if (volumes.empty()) return;
  const auto removeAll = [&](const std::vector<std::string>& those) {
    std::vector<std::string> words = {"lvremove"};
    for (const std::string& volume : those) words.push_back(path(volume));
    change(intent, std::move(words), [&](Table& table) {
      for (const std::string& volume : those) table.erase(volume);
    });
  };
  try {
    removeAll(volumes);
  } catch (const Error& error) {
    // A snapshot whose making was cut off cannot be deactivated the first time ("... is used by
    // another device"), and can once lvm has tried.
    std::vector<std::string> left;
    for (const std::string& volume : volumes)
      if (find(volume)) left.push_back(volume);
    log::warning("storage '{}': {}, trying once more", name_, error.text());
    if (!left.empty()) removeAll(left);
  }
}

std::string LvmEngine::fileSystem() const {
  const std::optional<VolumeGroup> found = lvm_.group(group_);
  if (!found) throw failed("storage '{}': there is no volume group '{}'", name_, group_);
  return fileSystemOf(*found);
}

// --- volumes ---

void LvmEngine::renameVolume(const std::string& from, const std::string& to) {
  change(fmt::format("rename volume '{}' to '{}'", path(from), to), {"lvrename", group_, from, to},
         [&](Table& table) {
           LogicalVolume volume = std::move(table[from]);
           table.erase(from);
           volume.name = to;
           table[to] = std::move(volume);
         });
}

void LvmEngine::rename(const std::string& from, const std::string& to) {
  checkName(from, "volume name");
  checkName(to, "volume name");
  const std::vector<Snapshot> snapshots = listSnapshots(from);
  const bool there = hasVolume(from);
  if (!there && snapshots.empty()) throw noVolume(from);
  if (there && hasVolume(to)) throw volumeExists(to);
  if (isMounted(mountPoint(contextVolume(from))))
    throw Error(Kind::Busy, fmt::format("cannot rename volume '{}': it is in use", from));
  // Snapshots first: as long as the volume has its old name, the whole counts as not renamed.
  for (const Snapshot& snapshot : snapshots)
    renameVolume(snapshotVolume(from, snapshot.name), snapshotVolume(to, snapshot.name));
  if (there) renameVolume(contextVolume(from), contextVolume(to));
}

void LvmEngine::saveDefinition(const std::string& name, const std::string& definition) {
  const LogicalVolume volume = get(contextVolume(name), noVolume(name));
  std::vector<std::string> words = {"lvchange"};
  const std::vector<std::string> fresh = tagsFrom(kDefinitionTag, definition);
  const std::vector<std::string> old = tagsWithPrefix(volume, kDefinitionTag);
  if (fresh == old) return;
  for (const std::string& tag : old) words.insert(words.end(), {"--deltag", tag});
  words = addTags(std::move(words), fresh);
  words.push_back(path(volume.name));
  change(fmt::format("record the definition of '{}' with its volume", name), std::move(words),
         [&](Table& table) { retag(table[volume.name], old, fresh); });
}

void LvmEngine::destroy(const std::string& name) {
  checkName(name, "volume name");
  detach(name);
  std::vector<std::string> volumes;
  for (const Snapshot& snapshot : listSnapshots(name))
    volumes.push_back(snapshotVolume(name, snapshot.name));
  if (hasVolume(name)) volumes.push_back(contextVolume(name));
  remove(volumes, fmt::format("remove volume '{}'", name));
}

std::optional<Bytes> LvmEngine::sizeOf(const std::string& name) const {
  return get(contextVolume(name), noVolume(name)).size;
}

void LvmEngine::grow(const std::string& name, Bytes size) {
  const std::string volume = contextVolume(name);
  const LogicalVolume now = get(volume, noVolume(name));
  if (size < now.size)
    throw invalid("volume '{}' has {} already: it does not shrink to {}", name,
                  formatBytes(now.size), formatBytes(size));
  if (size > now.size)
    change(fmt::format("grow volume '{}' to {}", name, formatBytes(size)),
           {"lvextend", "-L", sizeWord(size), path(volume)},
           [&](Table& table) { table[volume].size = size; });
  // The rest also when the volume has its size: an earlier call may have ended before.
  const bool wasAttached = isMounted(mountPoint(volume));
  if (wasAttached)
    dm::reloadLinear(upper(volume), device(volume));
  else
    attach(name);
  const auto above = dm::find(upper(volume));
  if (!above) throw failed("volume '{}' has lost its device '{}'", name, upper(volume));
  growFileSystem(runner_, dm::pathOf(above->number), mountPoint(volume));
  if (!wasAttached) detach(name);
}

// --- use ---

std::string LvmEngine::attach(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  get(volume, noVolume(name));
  std::string root = mount(volume, Access::ReadWrite);
  if (!exists(root)) throw failed("volume '{}' is damaged: its tree is missing", name);
  return root;
}

void LvmEngine::detach(const std::string& name) {
  unmountVolume(contextVolume(checkName(name, "volume name")));
}

std::optional<std::string> LvmEngine::deviceOf(const std::string& name) const {
  const auto number = dm::numberOf(upper(contextVolume(name)));
  if (!number) return std::nullopt;
  return fmt::format("{}:{}", major(*number), minor(*number));
}

void LvmEngine::fence(const std::string& name) {
  dm::replaceByError(upper(contextVolume(checkName(name, "volume name"))), dm::UnderWay::Fail);
}

}  // namespace vs::storage
