#include "vsd/ops/templates.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "vsd/base/file.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/rollback.hpp"
#include "vsd/ops/cage.hpp"
#include "vsd/ops/export.hpp"

namespace vs {
namespace {

storage::UnpackBounds boundsOn(const Host& host) {
  storage::UnpackBounds bounds;
  bounds.bytes = bounds.size = host.config.maxTemplateSize;
  return bounds;
}

std::string makeScratch(const Host& host) {
  std::string parent = host.paths.state() + "/build";
  makeDirectories(parent, 0700);
  return parent;
}

void needNewName(const Host& host, const std::string& name) {
  checkName(name, "template name");
  if (host.storages.templates().contains(name))
    throw Error(Kind::Exists, fmt::format("template '{}' exists already", name))
        .withHint(fmt::format(
            "remove it first with 'vsctl template remove {}', or take another name", name));
}

// What a template of this archive will take, for a storage that wants to know; nullopt for an
// archive that can only be read once.
std::optional<Bytes> contentOf(const Host& host, const storage::Engine& storage, int archive,
                               Operation& operation) {
  const off_t begin = ::lseek(archive, 0, SEEK_CUR);
  if (!storage.capabilities().sizesTemplates || begin < 0) return std::nullopt;
  operation.step("look how much it holds");
  const TempDir empty(makeScratch(host));
  const Fd nothing = openFile(empty.path(), O_PATH | O_DIRECTORY);
  const OperationCage cage(host, boundsOn(host), operation);
  const storage::UnpackResult found =
      storage::surveyArchive(host.runner, cage, archive, nothing.get());
  check(::lseek(archive, begin, SEEK_SET), "read the archive again");
  return found.disk;
}

// Unpacks into a place that becomes the template only when `describe` has made its description.
void fillTemplate(const Host& host, const std::string& name, const std::string& storageName,
                  int archive, Operation& operation,
                  const std::function<Template(const std::string& tree,
                                               const storage::UnpackResult&)>& describe) {
  Rollback undo;
  const auto storage = host.storages.named(storageName);
  const std::optional<Bytes> content = contentOf(host, *storage, archive, operation);
  operation.step("unpack it in a cage");
  undo.add("remove the unfinished template", [storage, name] { storage->abandonTemplate(name); });
  const std::string tree = storage->beginTemplate(name, content);
  Fd target = openFile(tree, O_PATH | O_DIRECTORY);
  const OperationCage cage(host, boundsOn(host), operation);
  const storage::UnpackResult result =
      storage::unpackArchive(host.runner, cage, archive, target.get());
  noteSkipped(result, operation);
  target.reset();  // a storage may have to unmount it

  operation.step("make it visible");
  const Template made = describe(tree, result);
  for (const std::string& change : made.changes) operation.note(change);
  operation.passPointOfNoReturn();
  storage->finishTemplate(name, toJson(made).dump(2));
  undo.commit();  // from here it exists
}

}  // namespace

std::vector<std::string> templateDirectories(const Host& host) {
  return {host.paths.etc() + "/templates", host.paths.share() + "/templates"};
}

TemplateBuildRequest completeBuild(const Host& host, const std::string& name,
                                   const std::string& definition, const std::string& mirror,
                                   const std::vector<std::string>& packages,
                                   const std::string& storage) {
  needNewName(host, name);
  TemplateBuildRequest request;
  request.name = name;
  request.definition =
      findTemplateDefinition(templateDirectories(host), definition.empty() ? name : definition);
  request.options.mirror = mirror.empty() ? host.config.mirror : mirror;
  request.options.keyring = host.config.keyring;
  request.options.packages = packages;
  request.storage = storage.empty() ? host.config.defaultStorage : storage;
  host.storages.named(request.storage);
  std::vector<std::string> problems = problemsOf(request.definition, request.options);
  if (!problems.empty()) throw Error(Kind::InvalidParameter, problems[0]).withBlockers(problems);
  return request;
}

void checkImport(const Host& host, const TemplateImportRequest& request) {
  needNewName(host, request.name);
  host.storages.named(request.storage);
  if (request.init == Init::Command && request.command.empty())
    throw invalid("template '{}': init 'command' needs a command to run", request.name);
}

std::vector<std::string> planBuild(const TemplateBuildRequest& request) {
  std::string command;
  for (const std::string& word :
       buildArguments(request.definition, request.options, "mmdebstrap", "ARCHIVE"))
    command += (command.empty() ? "" : " ") + word;
  return {command,
          fmt::format("unpack it in a cage as template '{}' ({})", request.name, request.storage)};
}

void buildTemplate(const Host& host, const TemplateBuildRequest& request, Operation& operation) {
  operation.step("build it with mmdebstrap");
  const TempDir scratch(makeScratch(host));
  BuildRun run;
  run.scratch = scratch.path();
  run.onProgress = [&operation](int percent) { operation.progress(percent); };
  run.isCancelled = [&operation] { return operation.isCancelled(); };
  const std::string archivePath =
      buildArchive(host.runner, request.definition, request.options, run);
  const Fd archive = openFile(archivePath, O_RDONLY);

  const auto describe = [&](const std::string& tree, const storage::UnpackResult& result) {
    const TemplateDefinition& from = request.definition;
    Template made;
    made.name = request.name;
    made.description = from.description;
    made.distribution = from.distribution;
    made.release = from.release;
    made.architecture = hostArchitecture();
    made.init = from.init;
    made.command = from.command;
    made.created = now();
    made.size = result.disk;
    made.source = request.options.mirror.empty() ? from.mirror : request.options.mirror;
    made.checksum = result.sha256;
    made.packages = from.packages;
    made.packages.insert(made.packages.end(), request.options.packages.begin(),
                         request.options.packages.end());
    made.changes = changesOf(from, request.options);
    for (std::string& change : cleanTree(RootFs(tree), from.clean))
      made.changes.push_back(std::move(change));
    return made;
  };
  fillTemplate(host, request.name, request.storage, archive.get(), operation, describe);
}

void importTemplate(const Host& host, const TemplateImportRequest& request, int archive,
                    Operation& operation) {
  const auto describe = [&](const std::string& path, const storage::UnpackResult& result) {
    const RootFs tree(path);
    const SystemIdentity identity = identify(tree);
    Template made;
    made.name = request.name;
    made.description = request.description.empty() ? "imported" : request.description;
    made.distribution = identity.distribution;
    made.release = identity.release;
    made.architecture = hostArchitecture();
    made.command = request.command;
    if (request.init)
      made.init = *request.init;
    else if (!request.command.empty())
      made.init = Init::Command;
    else if (const auto found = detectInit(tree))
      made.init = *found;
    else
      throw invalid("the archive holds no /sbin/init, and no command was given for template '{}'",
                    request.name)
          .withHint("give the program its contexts shall run with '--init command -- /path/to/it'");
    made.created = now();
    made.size = result.disk;
    made.source = request.source.empty() ? "import" : request.source;
    made.checksum = result.sha256;
    made.changes = addMountPoints(tree);
    return made;
  };
  fillTemplate(host, request.name, request.storage, archive, operation, describe);
}

std::vector<std::string> planTemplateCreate(const Host& host,
                                            const TemplateCreateRequest& request) {
  needNewName(host, request.name);
  if (!request.storage.empty()) host.storages.named(request.storage);
  std::vector<std::string> plan = planExport(host, {request.context, request.snapshot});
  plan.push_back(fmt::format(
      "unpack it as template '{}' ({}), without host name and machine id", request.name,
      request.storage.empty() ? storageOf(host, request.context)->name() : request.storage));
  return plan;
}

void createTemplate(const Host& host, const TemplateCreateRequest& request, Operation& operation) {
  planTemplateCreate(host, request);
  const Definition from = host.contexts.find(request.context).definition;
  const TempDir scratch(makeScratch(host));
  const Fd archive = openFile(scratch.path() + "/tree.tar.zst", O_RDWR | O_CREAT | O_EXCL, 0600);
  withTree(host, {request.context, request.snapshot}, operation, [&](const std::string& path) {
    operation.step("pack it in a cage");
    const Fd tree = openFile(path, O_PATH | O_DIRECTORY);
    const OperationCage cage(host, boundsOn(host), operation);
    noteSkipped(storage::packTree(host.runner, cage, tree.get(), archive.get()), operation);
  });
  check(::lseek(archive.get(), 0, SEEK_SET), "read the packed tree again");

  const auto describe = [&](const std::string& path, const storage::UnpackResult& result) {
    const RootFs tree(path);
    const SystemIdentity identity = identify(tree);
    Template made;
    made.name = request.name;
    made.description = request.description.empty()
                           ? fmt::format("from context {}{}", request.context,
                                         request.snapshot.empty() ? "" : "@" + request.snapshot)
                           : request.description;
    made.distribution = identity.distribution;
    made.release = identity.release;
    made.architecture = hostArchitecture();
    made.init = from.init;
    made.command = from.command;
    made.created = now();
    made.size = result.disk;
    made.source = "context " + request.context;
    made.checksum = result.sha256;
    std::vector<std::string> clean = {"/etc/hostname", "/var/lib/systemd/random-seed"};
    if (!from.authorizedKeys.empty()) clean.emplace_back("/root/.ssh/authorized_keys");
    made.changes = cleanTree(tree, clean);
    if (tree.entryAt("/etc/ssh/ssh_host_ed25519_key") != RootFs::Entry::None)
      made.changes.emplace_back(
          "its ssh host keys are in it: each context made from it needs others");
    return made;
  };
  fillTemplate(host, request.name,
               request.storage.empty() ? storageOf(host, request.context)->name() : request.storage,
               archive.get(), operation, describe);
}

void exportTemplate(const Host& host, const std::string& name, int archive, Operation& operation) {
  operation.step("pack it in a cage");
  const auto open = host.storages.withTemplate(name)->openTemplate(name);
  const Fd tree = openFile(open->path(), O_PATH | O_DIRECTORY);
  const OperationCage cage(host, boundsOn(host), operation);
  const storage::UnpackResult result = storage::packTree(host.runner, cage, tree.get(), archive);
  operation.note(fmt::format("{} entries, {} packed, sha256 {}", result.entries,
                             formatBytes(result.archive), result.sha256));
}

void removeTemplate(const Host& host, const std::string& name, Operation& operation) {
  operation.step("remove it");
  operation.passPointOfNoReturn();
  for (const auto& storage : host.storages.all()) storage->removeTemplate(name);
}

FoundTemplate showTemplate(const Host& host, const std::string& name) {
  checkName(name, "template name");
  const auto storage = host.storages.withTemplate(name);
  const Json text =
      parseJson(storage->templateDescription(name), fmt::format("template '{}'", name));
  return {templateFrom(text), host.storages.templates()[name]};
}

std::vector<FoundTemplate> listTemplates(const Host& host) {
  std::vector<FoundTemplate> found;
  for (const auto& [name, storages] : host.storages.templates()) {
    try {
      const std::string text = host.storages.named(storages.front())->templateDescription(name);
      found.push_back(
          {templateFrom(parseJson(text, fmt::format("template '{}'", name))), storages});
    } catch (const Error& error) {
      log::warning("template '{}': {}, ignoring", name, error.text());
    }
  }
  return found;
}

}  // namespace vs
