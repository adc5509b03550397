#include "vsd/storage/thin_engine.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/kernel/device_mapper.hpp"
#include "vsd/storage/block_fs.hpp"
#include "vsd/storage/directory.hpp"

namespace vs::storage {
namespace {

constexpr std::string_view kTemplate = "vt-";
constexpr std::string_view kContext = "vc-";
constexpr const char* kUnfinished = "vs.unfinished";
constexpr const char* kDefinitionTag = "vs.d";
constexpr const char* kDescriptionTag = "vs.t";
constexpr const char* kTimeTag = "vs.at";
constexpr std::string_view kFresh = "vn-";
constexpr std::string_view kOld = "vo-";

std::string templateVolume(const std::string& name) { return std::string(kTemplate) + name; }
std::string contextVolume(const std::string& name) { return std::string(kContext) + name; }
std::string snapshotVolume(const std::string& name, const std::string& snapshot) {
  return fmt::format("{}{}.{}", kContext, name, snapshot);
}

bool isContext(const std::string& volume) {
  return volume.starts_with(kContext) && volume.find('.') == std::string::npos;
}

Error noTemplate(const std::string& name, const std::string& storage) {
  return Error(Kind::NotFound, fmt::format("storage '{}' has no template '{}'", storage, name))
      .withHint("vsctl template list shows what there is, vsctl template build makes one");
}

Error noVolume(const std::string& name, const std::string& storage) {
  return Error(Kind::NotFound, fmt::format("storage '{}' has no volume '{}'", storage, name));
}

Error noSnapshot(const std::string& name, const std::string& snapshot) {
  return Error(Kind::NotFound, fmt::format("volume '{}' has no snapshot '{}'", name, snapshot))
      .withHint(fmt::format("vsctl snapshot list {} shows what there is", name));
}

Error noHandOver(const std::string& name) {
  return Error(Kind::Unsupported,
               fmt::format("cannot hand over volume '{}': storage tier 'thin' is "
                           "not shared between hosts",
                           name))
      .withHint("a hand-over needs a storage of tier 'shared'");
}

std::vector<std::string> addTags(std::vector<std::string> words,
                                 const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    words.push_back("--addtag");
    words.push_back(tag);
  }
  return words;
}

std::vector<std::string> tagsWithPrefix(const LogicalVolume& volume, const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& tag : volume.tags)
    if (tag.starts_with(prefix) && tag.size() > prefix.size() &&
        std::isdigit(static_cast<unsigned char>(tag[prefix.size()])))
      found.push_back(tag);
  return found;
}

// LVM takes the number of a new thin device from its own metadata. When the pool has such a device
// already, nobody knows it: a call was killed after it had made it and before it wrote that down.
// LVM says so, and that the administrator has to remove it.
std::string orphanIn(const std::string& words) {
  constexpr std::string_view kSaid = "already contain thin device with device_id ";
  const std::size_t at = words.find(kSaid);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + kSaid.size();
  return words.substr(begin, words.find_first_not_of("0123456789", begin) - begin);
}

void retag(LogicalVolume& volume, const std::vector<std::string>& without,
           const std::vector<std::string>& with) {
  std::erase_if(volume.tags, [&](const std::string& tag) {
    return std::find(without.begin(), without.end(), tag) != without.end();
  });
  volume.tags.insert(volume.tags.end(), with.begin(), with.end());
}

// As LVM names devices: "GROUP-VOLUME", each hyphen inside doubled.
std::string deviceName(const std::string& group, const std::string& volume) {
  std::string name;
  const auto add = [&name](const std::string& part) {
    for (const char c : part) name += c == '-' ? "--" : std::string(1, c);
  };
  add(group);
  name += '-';
  add(volume);
  return name;
}

std::string sizeWord(Bytes size) { return fmt::format("{}b", size.value); }

}  // namespace

ThinEngine::ThinEngine(std::string name, std::string group, const Paths& paths, Runner& runner)
    : name_(std::move(name)),
      group_(std::move(group)),
      paths_(paths),
      runner_(runner),
      lvm_(runner) {}

Capabilities ThinEngine::capabilities() const {
  Capabilities can;
  can.tier = "thin";
  can.instantCopy = true;
  can.snapshots = true;
  can.growOnline = true;
  can.sizeEnforced = true;
  can.copyMethod = "thin snapshot";
  return can;
}

// --- what there is ---

ThinEngine::Table ThinEngine::table() const {
  const std::lock_guard lock(mutex_);
  if (!table_) {
    Table fresh;
    for (LogicalVolume& volume : lvm_.volumes(group_)) fresh[volume.name] = std::move(volume);
    table_ = std::move(fresh);
  }
  return *table_;
}

std::optional<LogicalVolume> ThinEngine::find(const std::string& volume) const {
  const Table known = table();
  const auto found = known.find(volume);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

LogicalVolume ThinEngine::get(const std::string& volume, const Error& absent) const {
  const std::optional<LogicalVolume> found = find(volume);
  if (!found) throw absent;
  return *found;
}

void ThinEngine::forgetTable() const {
  const std::lock_guard lock(mutex_);
  table_.reset();
}

void ThinEngine::change(const std::string& intent, std::vector<std::string> words, const Note& note,
                        const std::string& heldStill) {
  const std::lock_guard lock(mutex_);
  std::optional<Table> before = std::exchange(table_, std::nullopt);
  // Waiting for udev takes longer than the rest of a call, but a pool that has to be activated is
  // checked first, through a node that udev makes.
  if (dm::numberOf(poolDevice())) words.insert(words.begin() + 1, "--noudevsync");
  std::optional<Frozen> still;
  if (!heldStill.empty() && isMounted(heldStill)) still.emplace(heldStill);
  // One that fails may have done half of it: what was known then stays forgotten.
  try {
    lvm_.change(intent, words);
  } catch (const Error& error) {
    const std::string orphan = orphanIn(error.text());
    if (orphan.empty()) throw;
    log::warning(
        "storage '{}': removing thin device {}, which a call of lvm that was cut off has "
        "left in the pool",
        name_, orphan);
    dm::message(poolDevice(), "delete " + orphan);
    lvm_.change(intent, words);
  }
  if (!before) return;
  note(*before);
  table_ = std::move(before);
}

std::string ThinEngine::poolDevice() const { return deviceName(group_, kPoolName) + "-tpool"; }

Space ThinEngine::space() const {
  forgetTable();
  const LogicalVolume pool =
      get(kPoolName,
          failed("storage '{}': volume group '{}' has no pool '{}'", name_, group_, kPoolName));
  const std::optional<VolumeGroup> group = lvm_.group(group_);
  Space space;
  space.size = pool.size;
  space.used = {
      static_cast<std::uint64_t>(static_cast<double>(pool.size.value) * pool.dataPercent / 100)};
  space.metadataPercent = pool.metadataPercent;
  space.growth = group ? group->free : Bytes{0};
  for (const auto& [volume, description] : table())
    if (volume != kPoolName) space.promised.value += description.size.value;
  return space;
}

std::vector<Volume> ThinEngine::list() const {
  forgetTable();
  std::vector<Volume> volumes;
  for (const auto& [name, description] : table()) {
    if (!isContext(name)) continue;
    Volume volume;
    volume.name = name.substr(kContext.size());
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
void ThinEngine::thawAll(const std::set<std::string>& inUse) {
  for (const auto& [volume, description] : table())
    if (isContext(volume) && !inUse.contains(volume.substr(kContext.size())) &&
        isMounted(mountPoint(volume)))
      thaw(mountPoint(volume));
}

bool ThinEngine::hasVolume(const std::string& name) const {
  return find(contextVolume(name)).has_value();
}

std::vector<std::string> ThinEngine::removeLeftovers(const std::set<std::string>& inUse) {
  std::vector<std::string> removed;
  // Before lvm is asked: it would wait for them.
  for (const char* kind : {"vs-", "vt-", "vc-"})
    for (const std::string& name : dm::resumeAll(deviceName(group_, kind)))
      removed.push_back(fmt::format("let device '{}' go on, which was suspended", name));
  forgetTable();
  finishRestores(inUse, removed);
  thawAll(inUse);
  for (const auto& [name, description] : table()) {
    if (!name.starts_with(kTemplate)) continue;
    const std::string templateName = name.substr(kTemplate.size());
    if (inUse.contains(templateName)) continue;
    unmountVolume(name);
    if (!description.has(kUnfinished)) continue;
    remove({name}, fmt::format("remove the unfinished template '{}'", templateName));
    removed.push_back(
        fmt::format("removed what was left of template '{}' on storage '{}' (not finished)",
                    templateName, name_));
  }
  return removed;
}

// --- names and paths ---

std::string ThinEngine::path(const std::string& volume) const { return group_ + "/" + volume; }

// Found by its name among devices, not by its node: udev, for which no call of ours waits, may not
// have made that yet.
std::string ThinEngine::device(const std::string& volume) {
  const std::string name = deviceName(group_, volume);
  if (const auto number = dm::numberOf(name)) return dm::pathOf(*number);
  change(fmt::format("activate volume '{}'", path(volume)), {"lvchange", "-ay", "-K", path(volume)},
         [](Table&) {});
  if (const auto number = dm::numberOf(name)) return dm::pathOf(*number);
  throw failed("volume '{}' was activated, but there is no device '{}'", path(volume), name);
}

std::string ThinEngine::upper(const std::string& volume) const {
  return fmt::format("vsd.{}.{}", name_, volume);
}

std::string ThinEngine::mountPoint(const std::string& volume) const {
  return fmt::format("{}/{}", paths_.storageOf(name_), volume);
}

// --- from a volume to a tree ---

std::string ThinEngine::mount(const std::string& volume, bool writable) {
  const std::string directory = mountPoint(volume);
  if (!isMounted(directory)) {
    dm::remove(upper(volume));  // of an earlier attempt that did not come to mount it
    const dm::Device made = dm::createLinear(upper(volume), device(volume));
    mountDevice(runner_, dm::pathOf(made.number), directory,
                writable ? Access::ReadWrite : Access::ReadOnly);
  }
  return directory + "/root";
}

void ThinEngine::unmountVolume(const std::string& volume) {
  unmount(mountPoint(volume));
  dm::remove(upper(volume));
  ::rmdir(mountPoint(volume).c_str());
}

void ThinEngine::snapshotOf(const std::string& origin, const std::string& volume,
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

void ThinEngine::remove(const std::vector<std::string>& volumes, const std::string& intent) {
  if (volumes.empty()) return;
  std::vector<std::string> words = {"lvremove"};
  for (const std::string& volume : volumes) words.push_back(path(volume));
  change(intent, std::move(words), [&](Table& table) {
    for (const std::string& volume : volumes) table.erase(volume);
  });
}

// --- templates ---

std::string ThinEngine::beginTemplate(const std::string& name) {
  checkName(name, "template name");
  abandonTemplate(name);
  const std::string volume = templateVolume(name);
  change(fmt::format("create volume '{}'", path(volume)),
         {"lvcreate", "-V", sizeWord(kThinDefaultSize), "--thinpool", kPoolName, "-kn", "-Wn", "-n",
          volume, "--addtag", kOurTag, "--addtag", kUnfinished, group_},
         [&](Table& table) {
           LogicalVolume made;
           made.name = volume;
           made.size = kThinDefaultSize;
           made.pool = kPoolName;
           made.tags = {kOurTag, kUnfinished};
           table[volume] = std::move(made);
         });
  makeFileSystem(runner_, device(volume));
  const std::string root = mount(volume, true);
  makeDirectories(root);
  check(::chmod(root.c_str(), 0755), "set the mode of '{}'", root);
  return root;
}

void ThinEngine::finishTemplate(const std::string& name, const std::string& description) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  const LogicalVolume made = get(volume, failed("template '{}' was not begun", name));
  if (!made.has(kUnfinished))
    throw Error(Kind::Exists, fmt::format("template '{}' exists on storage '{}'", name, name_));
  unmountVolume(volume);
  const std::vector<std::string> tags = tagsFrom(kDescriptionTag, description);
  std::vector<std::string> words = addTags({"lvchange", "--deltag", kUnfinished}, tags);
  words.push_back(path(volume));
  change(fmt::format("finish template '{}'", name), std::move(words),
         [&](Table& table) { retag(table[volume], {kUnfinished}, tags); });
}

void ThinEngine::abandonTemplate(const std::string& name) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  const std::optional<LogicalVolume> found = find(volume);
  if (!found || !found->has(kUnfinished)) return;
  unmountVolume(volume);
  remove({volume}, fmt::format("remove the unfinished template '{}'", name));
}

std::vector<std::string> ThinEngine::listTemplates() const {
  std::vector<std::string> names;
  for (const auto& [name, description] : table())
    if (name.starts_with(kTemplate) && !description.has(kUnfinished))
      names.push_back(name.substr(kTemplate.size()));
  return names;
}

std::string ThinEngine::templateDescription(const std::string& name) const {
  const LogicalVolume volume = get(templateVolume(name), noTemplate(name, name_));
  if (volume.has(kUnfinished)) throw noTemplate(name, name_);
  return textFrom(kDescriptionTag, volume.tags);
}

std::shared_ptr<const OpenTree> ThinEngine::openTemplate(const std::string& name) {
  templateDescription(name);
  const std::string volume = templateVolume(name);
  const std::lock_guard lock(opening_);
  if (std::shared_ptr<const OpenTree> open = open_[name].lock()) return open;
  const auto close = [this, name, volume] {
    const std::lock_guard closing(opening_);
    if (open_[name].expired()) unmountVolume(volume);  // else it was opened anew meanwhile
  };
  auto tree = std::make_shared<const OpenTree>(mount(volume, false), close);
  open_[name] = tree;
  return tree;
}

void ThinEngine::removeTemplate(const std::string& name) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  if (!find(volume)) return;
  unmountVolume(volume);
  remove({volume}, fmt::format("remove template '{}'", name));
}

// --- volumes ---

void ThinEngine::createFromTemplate(const CreateRequest& request, const Progress& progress) {
  checkName(request.name, "volume name");
  templateDescription(request.templateName);
  const LogicalVolume from =
      get(templateVolume(request.templateName), noTemplate(request.templateName, name_));
  if (hasVolume(request.name))
    throw Error(Kind::Exists,
                fmt::format("volume '{}' exists on storage '{}'", request.name, name_));
  if (request.size && *request.size < from.size)
    throw invalid("volume '{}' cannot have {}: template '{}' has {}", request.name,
                  formatBytes(*request.size), request.templateName, formatBytes(from.size))
        .withHint("leave the size away, or give a larger one: unused space of a volume takes none");
  if (progress) progress(0);
  const std::string volume = contextVolume(request.name);
  snapshotOf(templateVolume(request.templateName), volume,
             tagsFrom(kDefinitionTag, request.definition));
  if (request.size && *request.size > from.size) {
    Rollback undo;
    undo.add("remove the volume", [this, name = request.name] { destroy(name); });
    grow(request.name, *request.size);
    undo.commit();
  }
}

void ThinEngine::clone(const std::string& from, const CreateRequest& request, const Progress&) {
  checkName(request.name, "volume name");
  get(contextVolume(from), noVolume(from, name_));
  if (hasVolume(request.name))
    throw Error(Kind::Exists,
                fmt::format("volume '{}' exists on storage '{}'", request.name, name_));
  snapshotOf(contextVolume(from), contextVolume(request.name),
             tagsFrom(kDefinitionTag, request.definition));
}

void ThinEngine::renameVolume(const std::string& from, const std::string& to) {
  change(fmt::format("rename volume '{}' to '{}'", path(from), to), {"lvrename", group_, from, to},
         [&](Table& table) {
           LogicalVolume volume = std::move(table[from]);
           table.erase(from);
           volume.name = to;
           table[to] = std::move(volume);
         });
}

void ThinEngine::rename(const std::string& from, const std::string& to) {
  checkName(from, "volume name");
  checkName(to, "volume name");
  const std::vector<Snapshot> snapshots = listSnapshots(from);
  const bool there = hasVolume(from);
  if (!there && snapshots.empty()) throw noVolume(from, name_);
  if (there && hasVolume(to))
    throw Error(Kind::Exists, fmt::format("volume '{}' exists on storage '{}'", to, name_));
  if (isMounted(mountPoint(contextVolume(from))))
    throw Error(Kind::Busy, fmt::format("cannot rename volume '{}': it is in use", from));
  // Snapshots first: as long as the volume has its old name, the whole counts as not renamed.
  for (const Snapshot& snapshot : snapshots)
    renameVolume(snapshotVolume(from, snapshot.name), snapshotVolume(to, snapshot.name));
  if (there) renameVolume(contextVolume(from), contextVolume(to));
}

void ThinEngine::saveDefinition(const std::string& name, const std::string& definition) {
  const LogicalVolume volume = get(contextVolume(name), noVolume(name, name_));
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

void ThinEngine::destroy(const std::string& name) {
  checkName(name, "volume name");
  detach(name);
  std::vector<std::string> volumes;
  for (const Snapshot& snapshot : listSnapshots(name))
    volumes.push_back(snapshotVolume(name, snapshot.name));
  if (hasVolume(name)) volumes.push_back(contextVolume(name));
  remove(volumes, fmt::format("remove volume '{}'", name));
}

std::optional<Bytes> ThinEngine::sizeOf(const std::string& name) const {
  return get(contextVolume(name), noVolume(name, name_)).size;
}

void ThinEngine::grow(const std::string& name, Bytes size) {
  const std::string volume = contextVolume(name);
  const LogicalVolume now = get(volume, noVolume(name, name_));
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
  growFileSystem(runner_, dm::pathOf(above->number));
  if (!wasAttached) detach(name);
}

// --- use ---

std::string ThinEngine::attach(const std::string& name) {
  const std::string volume = contextVolume(checkName(name, "volume name"));
  get(volume, noVolume(name, name_));
  std::string root = mount(volume, true);
  if (!exists(root)) throw failed("volume '{}' is damaged: its tree is missing", name);
  return root;
}

void ThinEngine::detach(const std::string& name) {
  unmountVolume(contextVolume(checkName(name, "volume name")));
}

void ThinEngine::fence(const std::string& name) {
  dm::replaceByError(upper(contextVolume(checkName(name, "volume name"))));
}

// --- snapshots ---

void ThinEngine::createSnapshot(const std::string& name, const std::string& snapshot) {
  checkName(snapshot, "snapshot name");
  const LogicalVolume volume = get(contextVolume(name), noVolume(name, name_));
  if (find(snapshotVolume(name, snapshot)))
    throw Error(Kind::Exists,
                fmt::format("volume '{}' has a snapshot '{}' already", name, snapshot));
  std::vector<std::string> tags = tagsWithPrefix(volume, kDefinitionTag);  // of that moment
  tags.push_back(fmt::format("{}={}", kTimeTag, now()));
  snapshotOf(volume.name, snapshotVolume(name, snapshot), tags);
}

void ThinEngine::removeSnapshot(const std::string& name, const std::string& snapshot) {
  if (!find(snapshotVolume(name, snapshot))) throw noSnapshot(name, snapshot);
  remove({snapshotVolume(name, snapshot)},
         fmt::format("remove snapshot '{}' of volume '{}'", snapshot, name));
}

// At every moment either the old volume or the new one has the name, or the old one is found under
// its second name (finishRestores).
void ThinEngine::restoreSnapshot(const std::string& name, const std::string& snapshot) {
  const LogicalVolume volume = get(contextVolume(name), noVolume(name, name_));
  const LogicalVolume point = get(snapshotVolume(name, snapshot), noSnapshot(name, snapshot));
  if (isMounted(mountPoint(volume.name)))
    throw Error(Kind::Busy, fmt::format("cannot restore volume '{}': it is in use", name));
  const std::string fresh = std::string(kFresh) + name;
  const std::string old = std::string(kOld) + name;
  snapshotOf(point.name, fresh, tagsWithPrefix(volume, kDefinitionTag));
  renameVolume(volume.name, old);
  renameVolume(fresh, volume.name);
  remove({old}, fmt::format("remove what volume '{}' was before", name));
  if (point.size < volume.size) grow(name, volume.size);
}

void ThinEngine::finishRestores(const std::set<std::string>& inUse,
                                std::vector<std::string>& sentences) {
  for (const auto& [volume, description] : table()) {
    if (!volume.starts_with(kFresh) && !volume.starts_with(kOld)) continue;
    const std::string name = volume.substr(kFresh.size());
    if (inUse.contains(name)) continue;
    if (volume.starts_with(kOld) && !hasVolume(name)) {
      renameVolume(volume, contextVolume(name));
      sentences.push_back(
          fmt::format("volume '{}' on storage '{}' is as it was before its restore", name, name_));
    } else {
      remove({volume}, fmt::format("remove what a restore left of volume '{}'", name));
    }
  }
}

std::vector<Snapshot> ThinEngine::listSnapshots(const std::string& name) const {
  const std::string prefix = contextVolume(name) + ".";
  std::vector<Snapshot> snapshots;
  for (const auto& [volume, description] : table())
    if (volume.starts_with(prefix))
      snapshots.push_back(
          {volume.substr(prefix.size()), description.tagged(kTimeTag), description.size});
  std::ranges::stable_sort(snapshots, {}, &Snapshot::created);
  return snapshots;
}

// --- hand-over ---

void ThinEngine::release(const std::string& name) { throw noHandOver(name); }
void ThinEngine::takeBack(const std::string& name) { throw noHandOver(name); }
std::string ThinEngine::takeOver(const std::string& name, std::uint64_t) { throw noHandOver(name); }
void ThinEngine::commitTakeOver(const std::string& name, std::uint64_t) { throw noHandOver(name); }
void ThinEngine::giveUpTakeOver(const std::string& name, std::uint64_t) { throw noHandOver(name); }

}  // namespace vs::storage
