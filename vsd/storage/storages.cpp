#include "vsd/storage/storages.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <exception>

#include "vsd/base/error.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"

namespace vs::storage {
namespace {

constexpr Millis kCopyDeadline{6 * 3600 * 1000};

// A storage that cannot be asked (its disk is not there) must not hide the others.
template <typename Ask>
void askEach(const std::vector<std::shared_ptr<Engine>>& engines, std::exception_ptr& trouble,
             const Ask& ask) {
  for (const std::shared_ptr<Engine>& engine : engines) {
    try {
      ask(engine);
    } catch (const Error& error) {
      log::warning("storage '{}': {}, ignoring", engine->name(), error.text());
      trouble = std::current_exception();
    }
  }
}

// What template.json says of the tree's size.
std::optional<Bytes> sizeIn(const std::string& description) {
  const Json json = parseJson(description, "template.json");
  const std::uint64_t size = json.value("size", std::uint64_t{0});
  return size > 0 ? std::optional(Bytes{size}) : std::nullopt;
}

}  // namespace

void Storages::add(std::shared_ptr<Engine> engine) {
  const std::unique_lock lock(mutex_);
  const std::string name = engine->name();
  if (!engines_.emplace(name, std::move(engine)).second)
    throw Error(Kind::Exists, fmt::format("storage '{}' exists already", name));
}

void Storages::remove(const std::string& name) {
  const std::unique_lock lock(mutex_);
  engines_.erase(name);
}

std::shared_ptr<Engine> Storages::findIfAny(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = engines_.find(name);
  return found == engines_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Engine>> Storages::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<Engine>> engines;
  for (const auto& [name, engine] : engines_) engines.push_back(engine);
  return engines;
}

std::shared_ptr<Engine> Storages::named(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  if (const auto found = engines_.find(name); found != engines_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, engine] : engines_) names.push_back("'" + known + "'");
  throw Error(Kind::NotFound, fmt::format("there is no storage '{}' on this host", printable(name)))
      .withHint(
          fmt::format("there is {}; 'vsctl storage add' sets one up", fmt::join(names, ", ")));
}

std::shared_ptr<Engine> Storages::holding(const std::string& volume) const {
  std::shared_ptr<Engine> holder;
  std::exception_ptr trouble;
  askEach(all(), trouble, [&](const std::shared_ptr<Engine>& engine) {
    if (!holder && engine->hasVolume(volume)) holder = engine;
  });
  if (!holder && trouble) std::rethrow_exception(trouble);
  return holder;
}

std::map<std::string, std::vector<std::string>> Storages::templates() const {
  std::map<std::string, std::vector<std::string>> found;
  std::exception_ptr trouble;
  askEach(all(), trouble, [&](const std::shared_ptr<Engine>& engine) {
    for (const std::string& name : engine->listTemplates()) found[name].push_back(engine->name());
  });
  return found;
}

std::shared_ptr<Engine> Storages::withTemplate(const std::string& name) const {
  const auto known = templates();
  if (const auto found = known.find(name); found != known.end())
    return named(found->second.front());
  throw Error(Kind::NotFound, fmt::format("there is no template '{}'", printable(name)))
      .withHint("vsctl template list shows what there is, vsctl template build makes one");
}

std::optional<std::string> Storages::broughtNow() const {
  const std::shared_lock lock(mutex_);
  return brought_;
}

void Storages::bringTemplate(const std::string& name, Engine& to, const Progress& progress) {
  const auto isThere = [&] {
    const std::vector<std::string> names = to.listTemplates();
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (isThere()) return;
  const std::lock_guard lock(bringing_);
  if (isThere()) return;
  const auto note = [this](std::optional<std::string> brought) {
    const std::unique_lock noting(mutex_);
    brought_ = std::move(brought);
  };
  Rollback undo;
  undo.add("forget what is copied", [note] { note(std::nullopt); });
  note(name);
  const std::shared_ptr<Engine> from = withTemplate(name);
  const std::string description = from->templateDescription(name);
  const std::shared_ptr<const OpenTree> tree = from->openTemplate(name);
  undo.add("remove the unfinished template", [&to, name] { to.abandonTemplate(name); });
  const std::string place = to.beginTemplate(name, sizeIn(description));
  std::exception_ptr stopped;  // what `progress` threw; the copy is ended before it goes on up
  Command cp;
  cp.argv = {findProgram("cp", "coreutils"),
             "-a",
             "--one-file-system",
             "--no-target-directory",
             "--",
             tree->path(),
             place};
  cp.deadline = kCopyDeadline;
  cp.isCancelled = [&] {
    try {
      if (progress) progress(0);
    } catch (...) {
      stopped = std::current_exception();
    }
    return stopped != nullptr;
  };
  const auto intent = fmt::format("copy template '{}' to storage '{}'", name, to.name());
  try {
    runner_.mustRun(cp, intent);
  } catch (const Error&) {
    if (stopped) std::rethrow_exception(stopped);
    throw;
  }
  to.finishTemplate(name, description);
  undo.commit();
  note(std::nullopt);
}

}  // namespace vs::storage
