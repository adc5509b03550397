#include "vsd/storage/dir_engine.hpp"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <exception>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/storage/directory.hpp"

namespace vs::storage {
namespace {

constexpr Bytes kReserve = 64_MiB;  // stays free after a copy
constexpr Millis kTreeDeadline{6 * 3600 * 1000};
constexpr std::string_view kNew = ".new-";
constexpr std::string_view kGone = ".gone-";

Error noTemplate(const std::string& name) {
  return Error(Kind::NotFound, fmt::format("there is no template '{}'", name))
      .withHint("vsctl template list shows what there is, vsctl template build makes one");
}

Error noVolume(const std::string& name) {
  return Error(Kind::NotFound, fmt::format("there is no volume '{}'", name));
}

Error damagedTemplate(const std::string& name, std::string_view why) {
  return failed("template '{}' is damaged: {}", name, why)
      .withHint("remove the template and build or import it again");
}

Error unsupported(std::string_view intent, const std::string& volume, std::string_view reason) {
  return Error(Kind::Unsupported,
               fmt::format("cannot {} '{}': storage tier 'dir' {}", intent, volume, reason));
}

Error noSnapshots(const std::string& volume) {
  return unsupported("use snapshots of volume", volume, "has no snapshots")
      .withHint("snapshots need storage 'thin' or 'shared'; vsctl clone makes a full copy");
}

Error noSpace(const std::string& volume, const std::string& where, Bytes need, Bytes have) {
  Error error(Kind::Failed,
              fmt::format("cannot create volume '{}': not enough space in '{}': {} needed, {} free",
                          volume, where, formatBytes(need), formatBytes(have)),
              ENOSPC);
  return error.withHint("remove contexts or templates, or give the file system more space");
}

std::vector<std::string> visibleNames(const std::string& directory) {
  std::vector<std::string> names = listDirectory(directory);
  std::erase_if(names, [](const std::string& name) { return !isValidName(name); });
  return names;
}

// The volume or template that a leftover entry was or was to be; empty when it is no leftover.
std::string volumeOfEntry(const std::string& entry) {
  if (entry.starts_with(kNew)) return entry.substr(kNew.size());
  if (!entry.starts_with(kGone)) return {};
  return entry.substr(kGone.size(), entry.find('.', 1) - kGone.size());
}

// The size that a template.json tells; throws Failed when the text is no such thing.
Bytes sizeIn(const std::string& description, const std::string& name) {
  try {
    const Json json = parseJson(description, "template.json");
    const auto size = json.is_object() ? json.find("size") : json.end();
    if (json.is_object() && size != json.end() && size->is_number_unsigned())
      return {size->get<std::uint64_t>()};
  } catch (const Error& error) {
    throw damagedTemplate(name, error.what());
  }
  throw damagedTemplate(name, "template.json says no size");
}

}  // namespace

DirEngine::DirEngine(const Paths& paths, Runner& runner) : paths_(paths), runner_(runner) {
  makePrivateDirectory(paths_.templates());
  makePrivateDirectory(paths_.volumes());
  reflinks_ = canReflink(paths_.volumes());
}

const std::string& DirEngine::name() const {
  static const std::string name = "dir";
  return name;
}

Space DirEngine::space() const {
  struct statvfs status {};
  check(::statvfs(paths_.volumes().c_str(), &status), "ask for the space of '{}'",
        paths_.volumes());
  Space space;
  space.size = {std::uint64_t{status.f_blocks} * status.f_frsize};
  space.used = {std::uint64_t{status.f_blocks - status.f_bfree} * status.f_frsize};
  return space;
}

Capabilities DirEngine::capabilities() const {
  Capabilities can;
  can.tier = "dir";
  can.copyMethod = reflinks_ ? "reflink" : "copy";
  return can;
}

std::vector<Volume> DirEngine::list() const {
  std::vector<Volume> volumes;
  for (const std::string& name : visibleNames(paths_.volumes())) {
    Volume volume;
    volume.name = name;
    volume.definition = readFileIfExists(paths_.volumeOf(name) + "/volume.json").value_or("");
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

std::vector<Finding> DirEngine::findings(const std::string&) const {
  const Space now = space();
  const bool writable = ::access(paths_.volumes().c_str(), W_OK) == 0;
  const bool enough = now.used.value < now.size.value / 100 * 95;
  return {{name(), paths_.volumes(), writable ? Finding::State::Ok : Finding::State::Missing,
           writable ? "can be written" : "cannot be written",
           writable ? "" : "see 'dmesg' and 'mount': its file system may have gone read-only"},
          {name(), "room", enough ? Finding::State::Ok : Finding::State::Degraded,
           fmt::format("{} of {} in use", formatBytes(now.used), formatBytes(now.size)),
           enough ? "" : "remove contexts, or make the file system larger"}};
}

bool DirEngine::hasVolume(const std::string& name) const {
  return isValidName(name) && exists(paths_.volumeOf(name));
}

std::vector<std::string> DirEngine::removeLeftovers(const std::set<std::string>& inUse) {
  std::vector<std::string> removed;
  const auto sweep = [&](const std::string& parent, std::string_view what) {
    for (const std::string& entry : listDirectory(parent)) {
      const std::string owner = volumeOfEntry(entry);
      if (owner.empty() || inUse.contains(owner)) continue;
      removeNow(parent + "/" + entry);
      removed.push_back(
          fmt::format("removed what was left of {} '{}' ({})", what, owner,
                      entry.starts_with(kNew) ? "not finished" : "not wholly removed"));
    }
  };
  sweep(paths_.templates(), "template");
  sweep(paths_.volumes(), "volume");
  return removed;
}

std::string DirEngine::beginTemplate(const std::string& name, std::optional<Bytes>) {
  checkName(name, "template name");
  abandonTemplate(name);
  const std::string root = fmt::format("{}/{}{}/root", paths_.templates(), kNew, name);
  makeDirectories(paths_.templates() + "/" + std::string(kNew) + name, 0700);
  makeDirectories(root);
  check(::chmod(root.c_str(), 0755), "set the mode of '{}'", root);
  return root;
}

void DirEngine::finishTemplate(const std::string& name, const std::string& description) {
  checkName(name, "template name");
  sizeIn(description, name);
  const std::string unfinished = std::string(kNew) + name;
  const std::string path = paths_.templates() + "/" + unfinished;
  if (!exists(path + "/root")) throw failed("template '{}' was not begun", name);
  writeAtomic(path + "/template.json", description);
  syncFileSystem(path);
  renameIn(paths_.templates(), unfinished, name);
}

void DirEngine::abandonTemplate(const std::string& name) {
  checkName(name, "template name");
  removeNow(fmt::format("{}/{}{}", paths_.templates(), kNew, name));
}

std::vector<std::string> DirEngine::listTemplates() const {
  return visibleNames(paths_.templates());
}

std::string DirEngine::templateDescription(const std::string& name) const {
  if (!isValidName(name) || !exists(paths_.templateOf(name))) throw noTemplate(name);
  const auto text = readFileIfExists(paths_.templateOf(name) + "/template.json");
  if (!text) throw damagedTemplate(name, "template.json is missing");
  sizeIn(*text, name);
  return *text;
}

std::string DirEngine::templateTree(const std::string& name) const {
  templateDescription(name);
  std::string tree = paths_.templateOf(name) + "/root";
  if (!exists(tree)) throw damagedTemplate(name, "its tree is missing");
  return tree;
}

std::shared_ptr<const OpenTree> DirEngine::openTemplate(const std::string& name) {
  const std::string tree = templateTree(name);
  auto lock =
      std::make_shared<Fd>(lockDirectory(paths_.templateOf(name), LOCK_SH, noTemplate(name)));
  return std::make_shared<const OpenTree>(tree, [lock] { lock->reset(); });
}

void DirEngine::removeTemplate(const std::string& name) {
  checkName(name, "template name");
  if (exists(paths_.templateOf(name))) discard(paths_.templateOf(name), paths_.templates(), name);
}

void DirEngine::createFromTemplate(const CreateRequest& request, const Progress& progress) {
  templateTree(request.templateName);
  const Fd lock = lockDirectory(paths_.templateOf(request.templateName), LOCK_SH,
                                noTemplate(request.templateName));
  const Bytes size = sizeIn(templateDescription(request.templateName), request.templateName);
  const Source source{paths_.templateOf(request.templateName), size};
  makeVolume(request, reflinks_ ? Bytes{0} : size, [&] { copyTree(source, request, progress); });
}

void DirEngine::createEmpty(const CreateRequest& request) {
  makeVolume(request, Bytes{0}, [&] {
    const std::string root = fmt::format("{}/{}{}/root", paths_.volumes(), kNew, request.name);
    makeDirectories(root);
    check(::chmod(root.c_str(), 0755), "set the mode of '{}'", root);
  });
}

void DirEngine::clone(const std::string& from, const CreateRequest& request,
                      const Progress& progress) {
  checkName(from, "volume name");
  const std::string path = paths_.volumeOf(from);
  const Fd lock = lockDirectory(path, LOCK_SH, noVolume(from));
  Command du;
  du.argv = {findProgram("du", "coreutils"),
             "--summarize",
             "--one-file-system",
             "--block-size=1",
             "--",
             path + "/root"};
  du.deadline = kTreeDeadline;
  const Output output = runner_.mustRun(du, fmt::format("measure volume '{}'", from));
  const Source source{path, {std::stoull("0" + output.out)}};
  makeVolume(request, reflinks_ ? Bytes{0} : source.size,
             [&] { copyTree(source, request, progress); });
}

void DirEngine::makeVolume(const CreateRequest& request, Bytes content,
                           const std::function<void()>& fill) {
  checkName(request.name, "volume name");
  if (request.size)
    throw unsupported("give a size to volume", request.name, "does not hold a volume to its size")
        .withHint("leave the size away, or use storage 'thin' or 'shared'");
  if (hasVolume(request.name))
    throw Error(Kind::Exists, fmt::format("volume '{}' exists", request.name));
  needSpace(request.name, content);

  const std::string unfinished = std::string(kNew) + request.name;
  const std::string path = paths_.volumes() + "/" + unfinished;
  removeNow(path);
  Rollback undo;
  undo.add(fmt::format("remove '{}'", path), [this, path] { removeNow(path); });
  makeDirectories(path, 0700);
  fill();
  writeAtomic(path + "/volume.json", request.definition);
  syncFileSystem(path);
  renameIn(paths_.volumes(), unfinished, request.name);
  undo.commit();
}

void DirEngine::needSpace(const std::string& volume, Bytes size) const {
  const Bytes need{kReserve.value + size.value};
  const Bytes have = freeSpace(paths_.volumes());
  if (have < need) throw noSpace(volume, paths_.volumes(), need, have);
}

void DirEngine::copyTree(const Source& source, const CreateRequest& request,
                         const Progress& progress) {
  if (progress) progress(0);
  const Bytes before = freeSpace(paths_.volumes());
  std::exception_ptr stopped;  // what `progress` threw; the copy is ended before it goes on up
  Command cp;
  // -a keeps owners, modes, times, links, extended attributes and ACLs; holes stay holes.
  cp.argv = {findProgram("cp", "coreutils"),
             "-a",
             "--reflink=auto",
             "--one-file-system",
             "--no-target-directory",
             "--",
             source.directory + "/root",
             fmt::format("{}/{}{}/root", paths_.volumes(), kNew, request.name)};
  cp.deadline = kTreeDeadline;
  cp.isCancelled = [&] {
    try {
      // How much the free space has shrunk is a fair guess of how far a full copy is.
      const Bytes now = freeSpace(paths_.volumes());
      const std::uint64_t used = before > now ? before.value - now.value : 0;
      const std::uint64_t total = std::max<std::uint64_t>(source.size.value, 1);
      if (progress) progress(static_cast<int>(std::min<std::uint64_t>(99, used * 100 / total)));
    } catch (...) {
      stopped = std::current_exception();
    }
    return stopped != nullptr;
  };
  Output output;
  try {
    output = runner_.run(cp);
  } catch (const Error&) {
    if (stopped) std::rethrow_exception(stopped);
    throw;
  }
  if (output.status == 0) return;
  if (output.err.find("No space left on device") != std::string::npos ||
      output.err.find("Disk quota exceeded") != std::string::npos)
    throw noSpace(request.name, paths_.volumes(), {source.size.value + kReserve.value}, before);
  throw failed("cannot create volume '{}': copying '{}' failed: {}", request.name, source.directory,
               printable(output.err, 500));
}

void DirEngine::rename(const std::string& from, const std::string& to) {
  checkName(from, "volume name");
  checkName(to, "volume name");
  const Fd lock = lockDirectory(paths_.volumeOf(from), LOCK_EX, noVolume(from));
  renameIn(paths_.volumes(), from, to);
}

void DirEngine::saveDefinition(const std::string& name, const std::string& definition) {
  if (!hasVolume(name)) throw noVolume(name);
  writeAtomic(paths_.volumeOf(name) + "/volume.json", definition);
}

void DirEngine::destroy(const std::string& name) {
  checkName(name, "volume name");
  if (hasVolume(name)) discard(paths_.volumeOf(name), paths_.volumes(), name);
}

// From the rename on it is gone for everyone; the rest may be done again at any time.
void DirEngine::discard(const std::string& directory, const std::string& parent,
                        const std::string& name) {
  const Fd lock = lockDirectory(directory, LOCK_EX, noVolume(name));
  const std::string gone = fmt::format("{}{}.{}", kGone, name, makeUuid());
  renameIn(parent, name, gone);
  removeNow(parent + "/" + gone);
}

void DirEngine::removeNow(const std::string& path) {
  if (!exists(path)) return;
  Command rm;
  rm.argv = {findProgram("rm", "coreutils"), "-rf", "--one-file-system", "--", path};
  rm.deadline = kTreeDeadline;
  runner_.mustRun(rm, fmt::format("remove '{}'", path));
}

std::optional<Bytes> DirEngine::sizeOf(const std::string& name) const {
  if (!hasVolume(name)) throw noVolume(name);
  return std::nullopt;
}

void DirEngine::grow(const std::string& name, Bytes) {
  throw unsupported("grow volume", name, "has no sizes: a volume can use all of its file system");
}

std::string DirEngine::attach(const std::string& name) {
  std::string root = paths_.volumeOf(checkName(name, "volume name")) + "/root";
  if (!hasVolume(name)) throw noVolume(name);
  if (!exists(root)) throw failed("volume '{}' is damaged: its tree is missing", name);
  return root;
}

void DirEngine::detach(const std::string&) {}

void DirEngine::fence(const std::string& name) {
  throw unsupported("cut off volume", name, "has no device to cut off");
}

void DirEngine::createSnapshot(const std::string& name, const std::string&, MadeBy) {
  throw noSnapshots(name);
}
void DirEngine::removeSnapshot(const std::string& name, const std::string&) {
  throw noSnapshots(name);
}
void DirEngine::restoreSnapshot(const std::string& name, const std::string&) {
  throw noSnapshots(name);
}
std::vector<Snapshot> DirEngine::listSnapshots(const std::string&) const { return {}; }
std::shared_ptr<const OpenTree> DirEngine::openSnapshot(const std::string& name,
                                                        const std::string&) {
  throw noSnapshots(name);
}

}  // namespace vs::storage
