#include "vsd/ops/storages.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "vsd/base/error.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/process.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/storage/lvm.hpp"
#include "vsd/storage/lvm_setup.hpp"
#include "vsd/storage/shared_engine.hpp"
#include "vsd/storage/shared_setup.hpp"
#include "vsd/storage/thin_engine.hpp"
#include "vsd/storage/thin_setup.hpp"

namespace vs {
namespace {

storage::ThinSetup thinSetup(const StorageAddRequest& request) {
  return {request.name, request.group, request.device,
          request.size, request.wipe,  request.fileSystem};
}

storage::SharedSetup sharedSetup(const StorageAddRequest& request) {
  return {request.name, request.group, request.device, request.wipe, request.fileSystem};
}

StorageRecord recordOf(const Host& host, const std::string& name) {
  for (StorageRecord& record : host.store.storages())
    if (record.name == name) return record;
  host.storages.named(name);  // its words when there is none
  throw Error(Kind::Unsupported, fmt::format("storage '{}' is always there", name));
}

StoragePicture pictureOf(const storage::Engine& engine, const std::vector<StorageRecord>& records) {
  StoragePicture picture;
  picture.name = engine.name();
  picture.can = engine.capabilities();
  for (const StorageRecord& record : records)
    if (record.name == engine.name()) picture.group = record.group;
  try {
    picture.space = engine.space();
    picture.volumes = engine.list().size();
    picture.templates = engine.listTemplates();
    picture.trouble = fmt::format("{}", fmt::join(engine.troubles(), "; "));
  } catch (const Error& error) {
    picture.trouble = error.text();
  }
  return picture;
}

}  // namespace

std::shared_ptr<storage::Engine> makeEngine(const StorageRecord& record, const Paths& paths,
                                            Runner& runner) {
  if (record.tier == "thin")
    return std::make_shared<storage::ThinEngine>(record.name, record.group, paths, runner);
  if (record.tier == "shared")
    return std::make_shared<storage::SharedEngine>(record.name, record.group, hostName(), paths,
                                                   runner);
  throw failed("storage '{}' is of tier '{}', which this vsd does not know", record.name,
               printable(record.tier))
      .withHint("install the version of vsd again that added it");
}

namespace {

std::optional<std::string> whyUnreadable(Runner& runner, const std::string& group) {
  try {
    storage::Lvm(runner).volumes(group);
    return std::nullopt;
  } catch (const Error& error) {
    return error.text();
  }
}

}  // namespace

std::vector<std::string> rebuildStorages(Runner& runner, Store& store) {
  std::vector<std::string> sentences;
  const std::vector<StorageRecord> known = store.storages();
  for (const storage::FoundStorage& found : storage::findStorages(runner)) {
    if (std::ranges::find(known, found.name, &StorageRecord::name) != known.end()) continue;
    if (!isValidName(found.name)) continue;
    if (found.tier == "thin" && !storage::hasThinPool(runner, found.group)) continue;
    // As of a LUN that this host only sees and does not use: its locks are not at work here.
    if (const auto problem =
            found.tier == "shared" ? whyUnreadable(runner, found.group) : std::nullopt) {
      sentences.push_back(fmt::format(
          "storage '{}': left out, volume group '{}' cannot be read: {}; if this host uses it, see "
          "that sanlock and lvmlockd run and repeat this",
          found.name, found.group, *problem));
      continue;
    }
    store.insertStorage({found.name, found.tier, found.group, now()});
    sentences.push_back(
        fmt::format("storage '{}': recorded again, volume group '{}'", found.name, found.group));
  }
  return sentences;
}

StorageAddRequest completeStorage(const Host& host, StorageAddRequest request) {
  checkName(request.name, "storage name");
  if (request.tier.empty()) request.tier = "thin";
  if (request.tier != "thin" && request.tier != "shared")
    throw invalid(
        "storage tier '{}' cannot be added; choose 'thin' or 'shared' ('dir' is always there)",
        printable(request.tier));
  for (const auto& storage : host.storages.all())
    if (storage->name() == request.name)
      throw Error(Kind::Exists, fmt::format("storage '{}' exists already", request.name));
  if (request.device.empty() && request.group.empty())
    throw invalid("storage '{}' needs a disk or a volume group", request.name)
        .withHint("name an empty disk with --device, or a volume group with free space with --vg");
  if (request.group.empty()) request.group = "vsd-" + request.name;
  if (request.tier == "thin") {
    checkThinSetup(host.runner, thinSetup(request));
    return request;
  }
  if (request.size)
    throw invalid(
        "storage '{}' cannot have a size: tier shared gives each context a pool of its "
        "own",
        request.name)
        .withHint("leave --size away");
  checkSharedSetup(host.runner, host.programs, sharedSetup(request));
  return request;
}

std::vector<std::string> planAddStorage(const Host&, const StorageAddRequest& request) {
  std::vector<std::string> plan = request.tier == "thin" ? planThinSetup(thinSetup(request))
                                                         : planSharedSetup(sharedSetup(request));
  plan.push_back(fmt::format("record storage '{}' (tier {}{})", request.name, request.tier,
                             request.fileSystem.empty() ? "" : ", " + request.fileSystem));
  return plan;
}

void addStorage(const Host& host, const StorageAddRequest& request, Operation& operation) {
  Rollback undo;
  operation.step("make its volume group and pool");
  undo.add("remove what was made of it", [&host, request] { undoAddStorage(host, request); });
  if (request.tier == "thin")
    setUpThin(host.runner, thinSetup(request));
  else
    setUpShared(host.runner, sharedSetup(request));

  operation.step("record it");
  operation.passPointOfNoReturn();
  const StorageRecord record{request.name, request.tier, request.group, now()};
  host.store.insertStorage(record);
  undo.commit();  // from here it exists
  const auto engine = makeEngine(record, host.paths, host.runner);
  engine->setDefaultSize(host.config.defaultSize);
  host.storages.add(engine);
}

void undoAddStorage(const Host& host, const StorageAddRequest& request) {
  for (const StorageRecord& record : host.store.storages())
    if (record.name == request.name) return;
  if (request.tier == "thin")
    storage::tearDownThin(host.runner, request.name, request.group);
  else if (!request.device.empty())
    storage::undoSetUpShared(host.runner, request.name, request.group);
  else if (storage::hasGroup(host.runner, request.group))
    storage::leaveShared(host.runner, request.group);
}

void checkRemoveStorage(const Host& host, const std::string& name) {
  const StorageRecord record = recordOf(host, name);
  std::set<std::string> names;
  for (const ContextPicture& context : host.contexts.all())
    if (context.definition.storage == name) names.insert(context.definition.name);
  // Without its group (an earlier remove was cut off) there is nothing to ask.
  if (storage::hasGroup(host.runner, record.group))
    for (const storage::Volume& volume : host.storages.named(name)->list())
      names.insert(volume.name);
  if (!names.empty())
    throw Error(Kind::InvalidState, fmt::format("cannot remove storage '{}': it holds {}", name,
                                                fmt::join(names, ", ")))
        .withHint("remove these contexts first");
}

std::vector<std::string> planRemoveStorage(const Host& host, const std::string& name) {
  checkRemoveStorage(host, name);
  const StorageRecord record = recordOf(host, name);
  std::vector<std::string> plan;
  if (record.tier == "shared") {
    plan.push_back(
        fmt::format("leave the hosts that share volume group '{}'; all that is on it "
                    "stays",
                    record.group));
  } else if (storage::hasGroup(host.runner, record.group)) {
    for (const std::string& templateName : host.storages.named(name)->listTemplates())
      plan.push_back(fmt::format("remove template '{}' from it", templateName));
    plan.push_back(
        fmt::format("remove the pool of volume group '{}', and the group if it was made "
                    "for this storage",
                    record.group));
  }
  plan.push_back(fmt::format("forget storage '{}'", name));
  return plan;
}

void removeStorage(const Host& host, const std::string& name, Operation& operation) {
  checkRemoveStorage(host, name);
  const StorageRecord record = recordOf(host, name);
  operation.step(record.tier == "shared" ? "leave it" : "remove its templates and its pool");
  operation.passPointOfNoReturn();
  if (record.tier == "shared") {
    storage::leaveShared(host.runner, record.group);
  } else {
    if (storage::hasGroup(host.runner, record.group))
      host.storages.named(name)->removeLeftovers({});  // unmounts its templates
    storage::tearDownThin(host.runner, name, record.group);
  }

  operation.step("forget it");
  host.store.eraseStorage(name);
  host.storages.remove(name);
}

StoragePicture showStorage(const Host& host, const std::string& name) {
  return pictureOf(*host.storages.named(name), host.store.storages());
}

std::vector<StoragePicture> listStorages(const Host& host) {
  std::vector<StoragePicture> pictures;
  const std::vector<StorageRecord> records = host.store.storages();
  for (const auto& storage : host.storages.all()) pictures.push_back(pictureOf(*storage, records));
  return pictures;
}

}  // namespace vs
