#include "vsd/ops/reconcile.hpp"

#include <algorithm>
#include <set>

#include "netfw/netlink.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/ops/links.hpp"
#include "vsd/ops/running.hpp"
#include "vsd/ops/stop.hpp"
#include "vsd/ops/storages.hpp"

namespace vs {
namespace {

std::vector<std::string> removeLeftovers(const Host& host, const std::set<std::string>& inUse) {
  std::vector<std::string> removed;
  for (const auto& storage : host.storages.all()) {
    try {
      for (std::string& sentence : storage->removeLeftovers(inUse))
        removed.push_back(std::move(sentence));
    } catch (const Error& error) {
      log::error("cannot look for leftovers on storage '{}': {}, ignoring", storage->name(),
                 error.text());
    }
  }
  return removed;
}

}  // namespace

bool trySettle(const Host& host, const std::string& name) {
  try {
    OperationRequest request{"settle", name, {}, "vsd", Json{{"name", name}}.dump()};
    request.patience = Millis(0);  // the caller, which must not wait, comes again
    host.operations.start(request,
                          [&host, name](Operation& operation) { settle(host, name, operation); });
    return true;
  } catch (const Error& error) {
    if (error.kind() != Kind::Busy) throw;
    return false;
  }
}

std::vector<std::string> rebuild(const storage::Engine& storage, Store& store) {
  std::vector<std::string> sentences;
  for (const storage::Volume& volume : storage.list()) {
    try {
      Record record;
      record.definition = definitionFrom(
          parseJson(volume.definition, fmt::format("the definition of volume '{}'", volume.name)));
      record.definition.name = volume.name;
      record.definition.storage = storage.name();
      validate(record.definition);
      store.insert(record);
      sentences.push_back(fmt::format("context '{}': recorded again", volume.name));
    } catch (const Error& error) {
      sentences.push_back(fmt::format("volume '{}': {}, left alone", volume.name, error.text()));
    }
  }
  return sentences;
}

namespace {

// Somebody has flushed the host's rules, or deleted a bridge.
void findLinkDifferences(const Host& host, Fix fix, std::vector<std::string>& found) {
  const std::string outcome = fix == Fix::Yes ? ": mended" : "";
  for (const ContextPicture& context : host.contexts.all()) {
    if (host.operations.runningOn(context.definition.name)) continue;
    const std::vector<std::string> problems = linkProblems(host, context);
    if (!problems.empty() && fix == Fix::Yes) mendLinks(host, context);
    for (const std::string& problem : problems) found.push_back(problem + outcome);
  }
  for (const std::string& device : strayDevices(host)) {
    if (fix == Fix::Yes) netfw::removeDevice(device);
    found.push_back(fmt::format("device '{}' belongs to no context that runs{}", device, outcome));
  }
}

}  // namespace

std::vector<std::string> differences(const Host& host, Fix fix) {
  std::vector<std::string> found;
  const std::string outcome = fix == Fix::Yes ? ": mended" : "";
  std::set<std::string> known;
  for (const ContextPicture& context : host.contexts.all()) {
    const std::string& name = context.definition.name;
    known.insert(name);
    if (host.operations.runningOn(name)) continue;  // what is being changed is not judged
    if (!storageOf(host, name)->hasVolume(name))
      found.push_back(fmt::format("context '{}' has no volume", name));
    if (isAtRest(context.state) && hasRemains(host, name)) {
      if (fix == Fix::Yes) cleanUpRun(host, name);
      found.push_back(fmt::format(
          "context '{}' is stopped, but its cgroup or run directory is there{}", name, outcome));
    }
  }
  findLinkDifferences(host, fix, found);
  for (const auto& storage : host.storages.all())
    for (const storage::Volume& volume : storage->list())
      if (host.operations.runningOn(volume.name))
        continue;
      else if (!known.contains(volume.name))
        found.push_back(fmt::format("volume '{}' belongs to no context", volume.name));
      else if (storageOf(host, volume.name)->name() != storage->name())
        found.push_back(fmt::format(
            "volume '{}' on storage '{}' is not that of context '{}', which "
            "lies on '{}'",
            volume.name, storage->name(), volume.name, storageOf(host, volume.name)->name()));
  for (const std::string& name : listContextCgroups(host.paths.cgroupRoot))
    if (!known.contains(name) && !host.operations.runningOn(name))
      found.push_back(fmt::format("the cgroup of '{}' belongs to no context", name));
  for (const std::string& name : listDirectory(host.paths.contexts())) {
    if (known.contains(name) || host.operations.runningOn(name)) continue;
    if (fix == Fix::Yes && !findRunning(host, name)) removeTree(host.paths.contextOf(name));
    found.push_back(fmt::format("the run directory '{}' belongs to no context{}", name, outcome));
  }
  if (fix == Fix::Yes)
    for (std::string& sentence : removeLeftovers(host, namesInUse(host)))
      found.push_back(std::move(sentence));
  return found;
}

}  // namespace vs
