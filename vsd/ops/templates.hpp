// The template verbs: build (mmdebstrap, then like an import), import and export (through the cage
// of vsd-unpack), remove.
#pragma once

#include <string>
#include <vector>

#include "vsd/base/fd.hpp"
#include "vsd/context/template_build.hpp"
#include "vsd/context/template_info.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

struct TemplateBuildRequest {
  std::string name;
  TemplateDefinition definition;
  BuildOptions options;
  std::string storage;
};

struct TemplateImportRequest {
  std::string name;
  std::string description;
  std::string source;        // what the importer says it is
  std::optional<Init> init;  // default: what is found in the tree
  std::vector<std::string> command;
  std::string storage;
};

// Where definitions are looked for, the host's own first.
std::vector<std::string> templateDirectories(const Host& host);

// Each throws what would stop it: Exists, NotFound, InvalidParameter (all problems), Unsupported.
TemplateBuildRequest completeBuild(const Host& host, const std::string& name,
                                   const std::string& definition, const std::string& mirror,
                                   const std::vector<std::string>& packages,
                                   const std::string& storage);
void checkImport(const Host& host, const TemplateImportRequest& request);

std::vector<std::string> planBuild(const TemplateBuildRequest& request);
void buildTemplate(const Host& host, const TemplateBuildRequest& request, Operation& operation);
void importTemplate(const Host& host, const TemplateImportRequest& request, int archive,
                    Operation& operation);
// A template of what a context holds, or held at a snapshot, without what makes it that context.
struct TemplateCreateRequest {
  std::string name;
  std::string context;
  std::string snapshot;  // empty: as it is now
  std::string description;
  std::string storage;  // empty: where the context lies
};
// Throws what would stop it: Exists, NotFound, InvalidState (no snapshots there, and it runs).
std::vector<std::string> planTemplateCreate(const Host& host, const TemplateCreateRequest& request);
void createTemplate(const Host& host, const TemplateCreateRequest& request, Operation& operation);
void exportTemplate(const Host& host, const std::string& name, int archive, Operation& operation);
// From every storage that has it.
void removeTemplate(const Host& host, const std::string& name, Operation& operation);

// With the names of the storages that have it.
struct FoundTemplate {
  Template made;
  std::vector<std::string> storages;
};
FoundTemplate showTemplate(const Host& host, const std::string& name);
std::vector<FoundTemplate> listTemplates(const Host& host);

}  // namespace vs
