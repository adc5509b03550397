#include "vsd/api/handlers.hpp"
#include "vsd/base/json.hpp"
#include "vsd/base/log.hpp"
#include "vsd/ops/templates.hpp"

namespace vs::api {
namespace {

OperationRequest requestFor(const std::string& verb, const std::string& name) {
  OperationRequest request;
  request.verb = "template " + verb;
  request.object = std::string(kTemplateObject) + name;
  request.parameters = Json{{"name", name}}.dump();
  return request;
}

Json definitionJson(const TemplateDefinition& definition) {
  return {{"name", definition.name},
          {"description", definition.description},
          {"distribution", definition.distribution},
          {"release", definition.release},
          {"mirror", definition.mirror},
          {"origin", definition.origin}};
}

Json foundJson(const FoundTemplate& found) {
  Json json = toJson(found.made);
  json["storages"] = found.storages;
  return json;
}

Outcome handleList(const Host& host) {
  Json templates = Json::array();
  for (const FoundTemplate& found : listTemplates(host)) templates.push_back(foundJson(found));
  Json definitions = Json::array();
  const TemplateDefinitions found = findTemplateDefinitions(templateDirectories(host));
  for (const TemplateDefinition& definition : found.definitions)
    definitions.push_back(definitionJson(definition));
  for (const std::string& problem : found.problems)
    log::warning("template definition: {}, ignoring", problem);
  return Answer{{{"templates", std::move(templates)}, {"definitions", std::move(definitions)}}, {}};
}

Outcome handleBuild(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  const TemplateBuildRequest request = completeBuild(
      host, name, call.text("definition").value_or(""), call.text("mirror").value_or(""),
      call.texts("packages"), call.text("storage").value_or(""));
  return runChange(
      host, call,
      {requestFor("build", name), [request] { return planBuild(request); },
       [&host, request](Operation& operation) { buildTemplate(host, request, operation); }});
}

Outcome handleCreate(const Host& host, const Call& call) {
  TemplateCreateRequest request;
  request.name = call.parameters.at("name");
  request.context = call.parameters.at("context");
  request.snapshot = call.text("snapshot").value_or("");
  request.description = call.text("description").value_or("");
  request.storage = call.text("storage").value_or("");
  OperationRequest operation = requestFor("create", request.name);
  operation.alsoBusy = {request.context};
  return runChange(
      host, call,
      {std::move(operation), [&host, request] { return planTemplateCreate(host, request); },
       [&host, request](Operation& running) { createTemplate(host, request, running); }});
}

Init initNamed(const std::string& word) {
  for (const Init init : {Init::Systemd, Init::Sysv, Init::Command})
    if (nameOf(init) == word) return init;
  throw invalid("init '{}' is unknown; choose from systemd, sysv, command", word.substr(0, 40));
}

Outcome handleImport(const Host& host, Call& call) {
  TemplateImportRequest request;
  request.name = call.parameters.at("name");
  request.description = call.text("description").value_or("");
  request.source = call.text("source").value_or("");
  request.command = call.texts("command");
  request.storage = call.text("storage").value_or(host.config.defaultStorage);
  if (const auto init = call.text("init")) request.init = initNamed(*init);
  std::shared_ptr<Fd> archive;
  if (!call.flag("dryRun")) archive = onlyDescriptor(call, "the import of a template");
  return runChange(
      host, call,
      {requestFor("import", request.name),
       [&host, request] {
         checkImport(host, request);
         return std::vector<std::string>{fmt::format(
             "unpack the archive in a cage as template '{}' ({})", request.name, request.storage)};
       },
       [&host, request, archive](Operation& operation) {
         importTemplate(host, request, archive->get(), operation);
       }});
}

Outcome handleExport(const Host& host, Call& call) {
  const std::string name = call.parameters.at("name");
  std::shared_ptr<Fd> archive;
  if (!call.flag("dryRun")) archive = onlyDescriptor(call, "the export of a template");
  return runChange(host, call,
                   {requestFor("export", name),
                    [&host, name] {
                      showTemplate(host, name);
                      return std::vector<std::string>{
                          fmt::format("pack the tree of template '{}' as tar with zstd", name)};
                    },
                    [&host, name, archive](Operation& operation) {
                      exportTemplate(host, name, archive->get(), operation);
                    }});
}

Outcome handleRemove(const Host& host, const Call& call) {
  const std::string name = call.parameters.at("name");
  return runChange(
      host, call,
      {requestFor("remove", name),
       [&host, name] {
         host.storages.withTemplate(name);
         const std::vector<std::string> storages = host.storages.templates()[name];
         std::vector<std::string> plan;
         for (const std::string& storage : storages)
           plan.push_back(
               fmt::format("remove template '{}' from storage '{}'; contexts made from it stay",
                           name, storage));
         return plan;
       },
       [&host, name](Operation& operation) { removeTemplate(host, name, operation); }});
}

}  // namespace

void addTemplateHandlers(Service& service, const Host& host) {
  service.add("TemplateList", [&host](Call&) { return handleList(host); });
  service.add("TemplateShow", [&host](Call& call) -> Outcome {
    return Answer{{{"template",
                    foundJson(showTemplate(host, call.parameters.at("name").get<std::string>()))}},
                  {}};
  });
  service.add("TemplateBuild", [&host](Call& call) { return handleBuild(host, call); });
  service.add(
      "TemplateCreate", [&host](Call& call) { return handleCreate(host, call); }, Pace::Slow);
  service.add("TemplateImport", [&host](Call& call) { return handleImport(host, call); });
  service.add("TemplateExport", [&host](Call& call) { return handleExport(host, call); });
  service.add("TemplateRemove", [&host](Call& call) { return handleRemove(host, call); });
}

}  // namespace vs::api
