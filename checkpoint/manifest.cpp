#include "checkpoint/manifest.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "vsd/base/error.hpp"
#include "vsd/base/fd.hpp"
#include "vsd/base/hash.hpp"

namespace vs::checkpoint {
namespace {

constexpr int kVersion = 2;
constexpr std::size_t kBlock = 1U << 20;

bool isImage(std::string_view name) {
  return name.ends_with(".img") && !name.starts_with("stats-");
}

std::vector<std::string> namesIn(int directory) {
  const int copy =
      check(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "read a memory image");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), &::closedir);
  if (!stream) throw systemError(errno, "read a memory image");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

Fd openImage(int directory, const std::string& name) {
  Fd file(check(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
                "open '{}' of a memory image", name));
  struct stat status {};
  check(::fstat(file.get(), &status), "look at '{}' of a memory image", name);
  if (!S_ISREG(status.st_mode)) throw failed("'{}' of a memory image is no regular file", name);
  return file;
}

ImageFile hashed(int directory, const std::string& name, std::vector<char>& block) {
  const Fd file = openImage(directory, name);
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  Hash hash;
  for (;;) {
    const ssize_t count =
        check(::read(file.get(), block.data(), block.size()), "read '{}' of a memory image", name);
    if (count == 0) break;
    hash.add(block.data(), static_cast<std::size_t>(count));
  }
  const std::uint64_t size = hash.count();
  return {name, size, hash.digest()};
}

}  // namespace

Json toJson(const Manifest& manifest) {
  Json files = Json::array();
  for (const ImageFile& file : manifest.files)
    files.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  return {{"version", kVersion},       {"uuid", manifest.uuid},       {"created", manifest.created},
          {"kernel", manifest.kernel}, {"cpu", toJson(manifest.cpu)}, {"files", files},
          {"groups", manifest.groups}};
}

Manifest manifestFrom(const Json& json) {
  try {
    if (json.at("version") != kVersion)
      throw invalid("the memory image is of version {}, this vsd reads version {}",
                    json.at("version").dump(), kVersion);
    Manifest manifest{
        json.at("uuid"),  json.at("created"), json.at("kernel"), cpuFrom(json.at("cpu")), {},
        json.at("groups")};
    for (const Json& file : json.at("files"))
      manifest.files.push_back({file.at("name"), file.at("size"), file.at("sha256")});
    return manifest;
  } catch (const Json::exception& error) {
    throw invalid("the manifest of the memory image is damaged: {}", error.what());
  }
}

std::vector<ImageFile> scanImages(int directory) {
  std::vector<char> block(kBlock);
  std::vector<ImageFile> files;
  for (const std::string& name : namesIn(directory))
    if (isImage(name)) files.push_back(hashed(directory, name, block));
  return files;
}

void syncImages(int directory, const std::vector<ImageFile>& files) {
  for (const ImageFile& file : files)
    check(::fsync(openImage(directory, file.name).get()), "write '{}' of a memory image",
          file.name);
  check(::fsync(directory), "write a memory image");
}

void verifyImages(int directory, const Manifest& manifest) {
  const std::vector<ImageFile> found = scanImages(directory);
  for (const ImageFile& file : manifest.files) {
    const auto same = std::ranges::find(found, file.name, &ImageFile::name);
    if (same == found.end()) throw failed("'{}' of the memory image is missing", file.name);
    if (same->size != file.size)
      throw failed("'{}' of the memory image has {} bytes instead of {}", file.name, same->size,
                   file.size);
    if (same->sha256 != file.sha256) throw failed("'{}' of the memory image is damaged", file.name);
  }
  for (const ImageFile& file : found)
    if (std::ranges::find(manifest.files, file.name, &ImageFile::name) == manifest.files.end())
      throw failed("'{}' does not belong to the memory image", file.name);
}

}  // namespace vs::checkpoint
