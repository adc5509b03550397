// From a template definition to an archive of its tree, by mmdebstrap(1): what it is told is a pure
// function; running it is one call. The archive is then unpacked like any foreign one.
//
// Signatures are always checked: every source names its keyring (signed-by), and there is no option
// here that could change that. No text of a user goes through a shell: packages and mirrors are
// held to narrow patterns first (security rule DR10).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vsd/base/runner.hpp"
#include "vsd/context/template_definition.hpp"

namespace vs {

struct BuildOptions {
  // Instead of the definition's mirror; there is then no source for security updates, as a mirror
  // of the one need not have the other.
  std::string mirror;
  std::string keyring;                // instead of the definition's
  std::vector<std::string> packages;  // besides the definition's
};

// Every reason not to build; empty when there is none. Looks at values only.
std::vector<std::string> problemsOf(const TemplateDefinition& definition,
                                    const BuildOptions& options);

// The lines of sources.list(5) that the tree is built from, and keeps.
std::vector<std::string> aptSources(const TemplateDefinition& definition,
                                    const BuildOptions& options);

// mmdebstrap's argument vector; argv[0] is `program`, the tar is written to `archive`.
std::vector<std::string> buildArguments(const TemplateDefinition& definition,
                                        const BuildOptions& options, const std::string& program,
                                        const std::string& archive);

struct BuildRun {
  std::string scratch;  // an existing empty directory with room for the tree twice; ours to fill
  Millis deadline{3600 * 1000};
  std::function<void(int percent)> onProgress;  // may be empty
  std::function<bool()> isCancelled;            // may be empty
};

// Builds and returns the path of the tar in `run.scratch`. Throws InvalidParameter with all
// problems, Unsupported (mmdebstrap or the keyring is missing, with what to install), Failed,
// Cancelled, TimedOut.
std::string buildArchive(Runner& runner, const TemplateDefinition& definition,
                         const BuildOptions& options, const BuildRun& run);

// What the build changed compared with the packages as the archive has them, one sentence each.
std::vector<std::string> changesOf(const TemplateDefinition& definition,
                                   const BuildOptions& options);

}  // namespace vs
