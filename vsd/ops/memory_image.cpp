#include "vsd/ops/memory_image.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checkpoint/image_file.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

constexpr std::size_t kMaxFiles = 256U << 20;

// The directory that `path` lies in.
std::string parentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

void renameDurably(const std::string& from, const std::string& to) {
  check(::rename(from.c_str(), to.c_str()), "rename '{}' to '{}'", from, to);
  const Fd directory = openDirectory(parentOf(to));
  check(::fsync(directory.get()), "write '{}'", parentOf(to));
}

std::string kernelRelease() {
  utsname system{};
  check(::uname(&system), "ask for the kernel's release");
  return system.release;
}

Json toJson(const GroupRecord& group) {
  return {{"path", group.path},           {"owner", group.owner},
          {"delegated", group.delegated}, {"controllers", group.controllers},
          {"values", group.values},       {"tasks", group.tasks}};
}

GroupRecord groupFrom(const Json& json) {
  GroupRecord group{
      json.at("path"), json.at("owner"), json.at("delegated"), json.at("controllers"), {},
      json.at("tasks")};
  for (const Json& value : json.at("values")) group.values.emplace_back(value.at(0), value.at(1));
  if (group.path.starts_with('/') || ("/" + group.path + "/").find("/../") != std::string::npos)
    throw invalid("the memory image names the cgroup '{}'", group.path);
  return group;
}

}  // namespace

bool MemoryPlace::isTaken() const { return exists(directory_ + "/" + checkpoint::kManifest); }

Fd MemoryPlace::begin() const {
  removeTree(unfinished());
  makeDirectories(unfinished(), 0700);
  Fd directory = openDirectory(unfinished());
  // criu opens some images before its user namespace has any ids. The directory above is 0700.
  check(::fchmod(directory.get(), 0755), "let criu read a memory image");
  return directory;
}

void MemoryPlace::beginFrom(const MemoryPlace& from) const {
  const Fd directory = begin();
  for (const std::string& name : listDirectory(from.directory_)) {
    const std::string file = from.directory_ + "/" + name;
    check(::linkat(AT_FDCWD, file.c_str(), directory.get(), name.c_str(), 0), "link '{}'", file);
  }
  check(::fsync(directory.get()), "write '{}'", unfinished());
}

void MemoryPlace::commit() const { renameDurably(unfinished(), directory_); }

void MemoryPlace::abandon() const { removeTree(unfinished()); }

void MemoryPlace::useUp() const {
  removeTree(used());
  if (exists(directory_)) renameDurably(directory_, used());
}

void MemoryPlace::removeRemains() const {
  removeTree(unfinished());
  removeTree(used());
}

MemoryPlace memoryOf(const Host& host, const std::string& name) {
  return MemoryPlace(host.paths.memories() + "/" + name);
}

void mendImages(const Fd& directory) {
  const Fd file(check(::openat(directory.get(), "files.img", O_RDWR | O_CLOEXEC | O_NOFOLLOW),
                      "open files.img of a memory image"));
  const std::string saved = readAll(file.get(), kMaxFiles, "files.img of a memory image");
  const std::string mended = checkpoint::withTimersArmed(saved);
  if (mended == saved) return;
  check(::ftruncate(file.get(), 0), "write files.img of a memory image");
  check(::lseek(file.get(), 0, SEEK_SET), "write files.img of a memory image");
  writeAll(file.get(), mended, "files.img of a memory image");
}

void writeManifest(const Fd& directory, const Definition& definition,
                   const std::vector<GroupRecord>& groups) {
  checkpoint::Manifest manifest{definition.uuid,
                                now(),
                                kernelRelease(),
                                checkpoint::thisCpu(),
                                checkpoint::scanImages(directory.get()),
                                Json::array()};
  for (const GroupRecord& group : groups) manifest.groups.push_back(toJson(group));
  const Fd file(check(::openat(directory.get(), checkpoint::kManifest,
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
                      "write the manifest of a memory image"));
  writeAll(file.get(), checkpoint::toJson(manifest).dump(1), "the manifest of a memory image");
  check(::fsync(file.get()), "write the manifest of a memory image");
  checkpoint::syncImages(directory.get(), manifest.files);
}

checkpoint::Manifest readManifest(const MemoryPlace& place) {
  return checkpoint::manifestFrom(parseJson(
      readFile(place.directory() + "/" + checkpoint::kManifest), "the manifest of a memory image"));
}

void mustFitHost(const checkpoint::Manifest& manifest, const std::string& what) {
  if (manifest.kernel != kernelRelease())
    throw Error(Kind::Unsupported, fmt::format("{} was saved on Linux {}, this host runs {}", what,
                                               manifest.kernel, kernelRelease()))
        .withHint("boot that kernel again, or give the memory up");
  const std::vector<std::string> lacks = checkpoint::whatLacks(manifest.cpu, checkpoint::thisCpu());
  if (!lacks.empty())
    throw Error(Kind::Unsupported,
                fmt::format("{} cannot go on on this host: {}", what, fmt::join(lacks, "; ")))
        .withHint(fmt::format("it was saved on a host with a processor '{}'", manifest.cpu.model));
}

MemoryImage openMemoryImage(const MemoryPlace& place, const Definition& definition) {
  const std::string& name = definition.name;
  if (!place.isTaken())
    throw Error(Kind::NotFound, fmt::format("context '{}' has no memory to resume from", name));
  MemoryImage image{openDirectory(place.directory()), readManifest(place), {}};
  if (image.manifest.uuid != definition.uuid)
    throw failed("the memory kept for context '{}' is that of another", name);
  mustFitHost(image.manifest, fmt::format("the memory of context '{}'", name));
  checkpoint::verifyImages(image.directory.get(), image.manifest);
  try {
    for (const Json& group : image.manifest.groups) image.groups.push_back(groupFrom(group));
  } catch (const Json::exception& error) {
    throw failed("the manifest of the memory of '{}' is damaged: {}", name, error.what());
  }
  return image;
}

}  // namespace vs
