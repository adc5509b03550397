#include <sys/stat.h>

#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"
#include "vsd/storage/directory.hpp"
#include "vsd/storage/fs_type.hpp"
#include "vsd/storage/lvm_engine.hpp"

namespace vs::storage {

std::string LvmEngine::beginTree(const std::string& volume, Content content) {
  const std::string type = fileSystem();
  const Bytes size = get(volume, failed("there is no volume '{}'", path(volume))).size;
  if (size < typeNamed(type).smallest())
    throw invalid("volume '{}' cannot have {}: its file system ({}) wants {}", nameIn(volume),
                  formatBytes(size), type, formatBytes(typeNamed(type).smallest()));
  makeFileSystem(runner_, device(volume), type, content);
  const std::string root = mount(volume, Access::ReadWrite);
  makeDirectories(root);
  check(::chmod(root.c_str(), 0755), "set the mode of '{}'", root);
  return root;
}

void LvmEngine::finishTemplate(const std::string& name, const std::string& description) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  const LogicalVolume made = get(volume, failed("template '{}' was not begun", name));
  if (!made.has(kUnfinished))
    throw Error(Kind::Exists, fmt::format("template '{}' exists on storage '{}'", name, name_));
  unmountVolume(volume);
  const std::vector<std::string> tags = tagsFrom(kDescriptionTag, description);
  std::vector<std::string> words = {"lvchange", "--deltag", kUnfinished};
  for (std::string& word : seal(volume)) words.push_back(std::move(word));
  words = addTags(std::move(words), tags);
  words.push_back(path(volume));
  change(fmt::format("finish template '{}'", name), std::move(words),
         [&](Table& table) { retag(table[volume], {kUnfinished}, tags); });
}

void LvmEngine::abandonTemplate(const std::string& name) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  const std::optional<LogicalVolume> found = find(volume);
  if (!found || !found->has(kUnfinished)) return;
  unmountVolume(volume);
  abandonTemplateVolume(volume);
}

bool LvmEngine::abandonTemplateVolume(const std::string& volume) {
  try {
    removeTemplateVolume(volume);
    return true;
  } catch (const Error& error) {
    if (error.kind() != Kind::Busy) throw;
    markTemplate(volume, "--deltag");
    return false;
  }
}

void LvmEngine::mustLieBelowNothing(const std::string& volume) const {
  const Table known = table();
  const auto origin = known.find(volume);
  // A thin volume is not needed by those that were made from it.
  if (origin == known.end() || !origin->second.pool.empty()) return;
  for (const auto& [other, description] : known)
    if (description.origin == volume)
      throw Error(Kind::Busy,
                  fmt::format("cannot remove template '{}' from storage '{}': context '{}' lies "
                              "above it",
                              nameIn(volume), name_, nameIn(other)))
          .withHint("remove the contexts that were made from it first");
}

void LvmEngine::removeTemplateVolume(const std::string& volume) {
  forgetTable();
  if (!find(volume)) return;
  mustLieBelowNothing(volume);  // LVM would remove it with the origin
  remove({volume}, fmt::format("remove template '{}'", nameIn(volume)));
}

std::vector<std::string> LvmEngine::listTemplates() const {
  std::vector<std::string> names;
  for (const auto& [name, description] : table())
    if (isTemplate(name) && !description.has(kUnfinished)) names.push_back(nameIn(name));
  return names;
}

std::string LvmEngine::templateDescription(const std::string& name) const {
  const LogicalVolume volume = get(templateVolume(name), noTemplate(name));
  if (volume.has(kUnfinished)) throw noTemplate(name);
  return textFrom(kDescriptionTag, volume.tags);
}

std::shared_ptr<const OpenTree> LvmEngine::openTemplate(const std::string& name) {
  templateDescription(name);
  const std::string volume = templateVolume(name);
  const std::lock_guard lock(opening_);
  if (std::shared_ptr<const OpenTree> open = open_[name].lock()) return open;
  const auto close = [this, name, volume] {
    const std::lock_guard closing(opening_);
    if (open_[name].expired()) unmountVolume(volume);  // else it was opened anew meanwhile
  };
  auto tree = std::make_shared<const OpenTree>(mount(volume, Access::ReadOnly), close);
  open_[name] = tree;
  return tree;
}

void LvmEngine::markTemplate(const std::string& volume, const char* how) {
  change(fmt::format("mark template '{}'", nameIn(volume)),
         {"lvchange", how, kUnfinished, path(volume)}, [](Table&) {});
  forgetTable();
}

void LvmEngine::removeTemplate(const std::string& name) {
  const std::string volume = templateVolume(checkName(name, "template name"));
  if (!find(volume)) return;
  unmountVolume(volume);
  removeTemplateVolume(volume);
}

}  // namespace vs::storage
