#include "vsd/context/template_build.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/names.hpp"

namespace vs {
namespace {

// What mmdebstrap says when it begins a part of its work, and how much is done by then.
struct Milestone {
  std::string_view line;
  int percent;
};
constexpr std::array<Milestone, 7> kMilestones{{{"I: running apt-get update", 2},
                                                {"I: downloading packages with apt", 10},
                                                {"I: extracting archives", 25},
                                                {"I: installing essential packages", 40},
                                                {"I: installing remaining packages", 55},
                                                {"I: cleaning package lists", 90},
                                                {"I: creating tarball", 92}}};

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += between;
    all += text;
  }
  return all;
}

std::string keyringOf(const TemplateDefinition& definition, const BuildOptions& options) {
  return options.keyring.empty() ? definition.keyring : options.keyring;
}

// Paths that mmdebstrap or a source line would take apart: nothing but plain characters.
bool isPlainPath(std::string_view path) {
  return path.size() > 1 && path[0] == '/' &&
         path.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "/._+-") == std::string_view::npos;
}

// A proxy that the administrator gave to the daemon is what apt shall use too.
std::vector<std::string> proxies() {
  std::vector<std::string> variables;
  for (const char* name : {"http_proxy", "https_proxy", "no_proxy"})
    if (const char* value = ::getenv(name); value != nullptr)
      variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

void needKeyring(const std::string& keyring) {
  if (exists(keyring)) return;
  throw Error(Kind::Unsupported,
              fmt::format("the keyring '{}', which the packages' signatures are checked with, is "
                          "not there",
                          keyring))
      .withHint("apt install debian-archive-keyring, or set keyring in vsd.toml");
}

}  // namespace

std::vector<std::string> problemsOf(const TemplateDefinition& definition,
                                    const BuildOptions& options) {
  std::vector<std::string> problems;
  const auto add = [&](std::string problem) { problems.push_back(std::move(problem)); };
  if (!options.mirror.empty() && !isMirror(options.mirror))
    add(fmt::format("the mirror '{}' is no http:// or https:// address",
                    printable(options.mirror)));
  if (!isPlainPath(keyringOf(definition, options)))
    add(fmt::format("the keyring '{}' is no plain absolute path",
                    printable(keyringOf(definition, options))));
  if (!definition.customize.empty() && !isPlainPath(definition.customize))
    add(fmt::format("the program '{}' has no plain path", printable(definition.customize)));
  for (const std::string& package : options.packages)
    if (!isPackageName(package)) add(fmt::format("'{}' is no package name", printable(package)));
  return problems;
}

std::vector<std::string> aptSources(const TemplateDefinition& definition,
                                    const BuildOptions& options) {
  const std::string signedBy = keyringOf(definition, options);
  const std::string components = joined(definition.components, " ");
  const auto line = [&](const std::string& mirror, const std::string& suite) {
    return fmt::format("deb [signed-by={}] {} {} {}", signedBy, mirror, suite, components);
  };
  if (!options.mirror.empty()) return {line(options.mirror, definition.release)};
  if (definition.security.empty()) return {line(definition.mirror, definition.release)};
  return {line(definition.mirror, definition.release),
          line(definition.mirror, definition.release + "-updates"),
          line(definition.security, definition.release + "-security")};
}

std::vector<std::string> buildArguments(const TemplateDefinition& definition,
                                        const BuildOptions& options, const std::string& program,
                                        const std::string& archive) {
  std::vector<std::string> packages = definition.packages;
  packages.insert(packages.end(), options.packages.begin(), options.packages.end());
  // output/dev: device nodes are the context's manager's, not the tree's.
  std::vector<std::string> argv{program, "--mode=root", "--format=tar", "--skip=output/dev",
                                "--variant=" + definition.variant};
  if (!packages.empty()) argv.push_back("--include=" + joined(packages, ","));
  // The variant that only unpacks never comes to the hook for finished installations.
  if (!definition.customize.empty())
    argv.push_back((definition.variant == "extract" ? "--extract-hook=" : "--customize-hook=") +
                   definition.customize);
  argv.push_back(definition.release);
  argv.push_back(archive);
  for (std::string& source : aptSources(definition, options)) argv.push_back(std::move(source));
  return argv;
}

std::string buildArchive(Runner& runner, const TemplateDefinition& definition,
                         const BuildOptions& options, const BuildRun& run) {
  const std::vector<std::string> problems = problemsOf(definition, options);
  if (!problems.empty())
    throw invalid("cannot build template '{}': {}", definition.name, joined(problems, "; "))
        .withBlockers(problems);
  needKeyring(keyringOf(definition, options));
  std::string archive = run.scratch + "/template.tar";
  std::vector<std::string> complaints;
  Command command;
  // What it mounts is gone when it is, however it ends.
  command.argv = {findProgram("unshare", "util-linux"), "--mount", "--propagation", "private",
                  "--"};
  for (std::string& word :
       buildArguments(definition, options, findProgram("mmdebstrap", "mmdebstrap"), archive))
    command.argv.push_back(std::move(word));
  command.environment = proxies();
  command.environment.push_back("TMPDIR=" + run.scratch);
  command.deadline = run.deadline;
  command.isCancelled = run.isCancelled;
  command.onErrorLine = [&](std::string_view line) {
    for (const Milestone& milestone : kMilestones)
      if (run.onProgress && line.starts_with(milestone.line)) run.onProgress(milestone.percent);
    if (complaints.size() < 5 && (line.starts_with("E: ") || line.starts_with("Err:")))
      complaints.push_back(printable(line, 300));
  };
  const Output output = runner.run(command);
  if (output.status == 0) return archive;
  throw failed("cannot build template '{}': mmdebstrap exited with status {}: {}", definition.name,
               output.status, joined(complaints, "; "))
      .withHint(
          "the mirror must be reachable and have the release, the packages and its signature");
}

std::vector<std::string> changesOf(const TemplateDefinition& definition,
                                   const BuildOptions& options) {
  std::vector<std::string> changes{
      fmt::format("mmdebstrap variant {}, recommended packages left out", definition.variant),
      "removed package lists, the package cache, logs of the installation and what was in /tmp and "
      "/run"};
  for (const std::string& source : aptSources(definition, options))
    changes.push_back("package source: " + source);
  if (!definition.customize.empty()) changes.push_back("ran " + definition.customize);
  return changes;
}

}  // namespace vs
