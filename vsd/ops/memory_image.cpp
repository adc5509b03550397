#include "vsd/ops/memory_image.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checkpoint/image_file.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

constexpr std::size_t kMaxFiles = 256U << 20;

std::string finished(const Host& host, const std::string& name) {
  return host.paths.memories() + "/" + name;
}
std::string unfinished(const Host& host, const std::string& name) {
  return finished(host, name) + ".new";
}
std::string used(const Host& host, const std::string& name) {
  return finished(host, name) + ".used";
}

void renameDurably(const Host& host, const std::string& from, const std::string& to) {
  check(::rename(from.c_str(), to.c_str()), "rename '{}' to '{}'", from, to);
  const Fd directory = openDirectory(host.paths.memories());
  check(::fsync(directory.get()), "write '{}'", host.paths.memories());
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

bool hasMemoryImage(const Host& host, const std::string& name) {
  return exists(finished(host, name) + "/" + checkpoint::kManifest);
}

Fd beginMemoryImage(const Host& host, const std::string& name) {
  removeTree(unfinished(host, name));
  makeDirectories(host.paths.memories(), 0700);
  makeDirectories(unfinished(host, name), 0700);
  Fd directory = openDirectory(unfinished(host, name));
  // criu opens some images before its user namespace has any ids. The directory above is 0700.
  check(::fchmod(directory.get(), 0755), "let criu read a memory image");
  return directory;
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
  checkpoint::Manifest manifest{definition.uuid, now(), kernelRelease(),
                                checkpoint::scanImages(directory.get()), Json::array()};
  for (const GroupRecord& group : groups) manifest.groups.push_back(toJson(group));
  const Fd file(check(::openat(directory.get(), checkpoint::kManifest,
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
                      "write the manifest of a memory image"));
  writeAll(file.get(), checkpoint::toJson(manifest).dump(1), "the manifest of a memory image");
  check(::fsync(file.get()), "write the manifest of a memory image");
  checkpoint::syncImages(directory.get(), manifest.files);
}

void commitMemoryImage(const Host& host, const std::string& name) {
  renameDurably(host, unfinished(host, name), finished(host, name));
}

void abandonMemoryImage(const Host& host, const std::string& name) {
  removeTree(unfinished(host, name));
}

MemoryImage openMemoryImage(const Host& host, const Definition& definition) {
  const std::string& name = definition.name;
  if (!hasMemoryImage(host, name))
    throw Error(Kind::NotFound, fmt::format("context '{}' has no memory to resume from", name));
  MemoryImage image{openDirectory(finished(host, name)), {}, {}};
  image.manifest = checkpoint::manifestFrom(
      parseJson(readFile(finished(host, name) + "/" + checkpoint::kManifest),
                "the manifest of a memory image"));
  if (image.manifest.uuid != definition.uuid)
    throw failed("the memory kept for context '{}' is that of another", name);
  if (image.manifest.kernel != kernelRelease())
    throw Error(Kind::Unsupported,
                fmt::format("the memory of context '{}' was saved on Linux {}, this host runs {}",
                            name, image.manifest.kernel, kernelRelease()))
        .withHint("boot that kernel again, or give the memory up with 'vsctl stop'");
  checkpoint::verifyImages(image.directory.get(), image.manifest);
  try {
    for (const Json& group : image.manifest.groups) image.groups.push_back(groupFrom(group));
  } catch (const Json::exception& error) {
    throw failed("the manifest of the memory of '{}' is damaged: {}", name, error.what());
  }
  return image;
}

void useUpMemoryImage(const Host& host, const std::string& name) {
  removeTree(used(host, name));
  if (exists(finished(host, name))) renameDurably(host, finished(host, name), used(host, name));
}

void removeMemoryRemains(const Host& host, const std::string& name) {
  removeTree(unfinished(host, name));
  removeTree(used(host, name));
}

}  // namespace vs
