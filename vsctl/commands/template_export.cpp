#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "vsctl/commands/commands.hpp"
#include "vsctl/exit_code.hpp"
#include "vsctl/operation.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

Work exportWork(const std::string& name, int fd) {
  return {{"export template", "exported template"}, name, "TemplateExport", {{"name", name}}, {fd}};
}

// The archive appears under its name only when it is whole.
int exportToFile(Session& session, const std::string& name, const std::string& path) {
  if (exists(path))
    throw Error(Kind::Exists, fmt::format("file '{}' exists", path))
        .withHint("remove it first or choose another name");
  const std::string unfinished = path + ".part";
  const Fd file = openFile(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int code = carryOut(session, exportWork(name, file.get()));
  if (code != kSuccess || session.globals().dryRun) {
    if (code != kInterrupted) removeFile(unfinished);
    return code;
  }
  check(::rename(unfinished.c_str(), path.c_str()), "rename '{}' to '{}'", unfinished, path);
  return code;
}

}  // namespace

Action templateExportVerb(Flags& flags) {
  struct Options {
    std::string name;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  flags.operand("TEMPLATE", options->name);
  flags.operand("FILE", options->file);
  return [options](Session& session) {
    if (session.globals().async)
      throw invalid("an export cannot be --async")
          .withHint("the archive is named when it is whole; leave --async out");
    if (options->file != "-") return exportToFile(session, options->name, options->file);
    if (isTerminal(STDOUT_FILENO))
      throw invalid("cannot write an archive to a terminal").withHint("name a file");
    if (!session.globals().quiet)
      throw invalid("an archive on standard output leaves no room for messages there")
          .withHint("add --quiet");
    return carryOut(session, exportWork(options->name, STDOUT_FILENO));
  };
}

}  // namespace vs::ctl
