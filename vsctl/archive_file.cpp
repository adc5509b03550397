#include "vsctl/archive_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "vsctl/exit_code.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

int exportToFile(Session& session, const std::string& path, mode_t mode, Work work) {
  if (exists(path))
    throw Error(Kind::Exists, fmt::format("file '{}' exists", path))
        .withHint("remove it first or choose another name");
  if (session.globals().dryRun) return carryOut(session, std::move(work));
  const std::string unfinished = path + ".part";
  const Fd file = openFile(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  work.fds = {file.get()};
  const int code = carryOut(session, std::move(work));
  if (code != kSuccess) {
    if (code != kInterrupted) removeFile(unfinished);
    return code;
  }
  check(::rename(unfinished.c_str(), path.c_str()), "rename '{}' to '{}'", unfinished, path);
  return code;
}

}  // namespace

int exportTo(Session& session, const std::string& path, mode_t mode, Work work) {
  if (session.globals().async)
    throw invalid("an export cannot be --async")
        .withHint("the archive is named when it is whole; leave --async out");
  if (path != "-") return exportToFile(session, path, mode, std::move(work));
  if (isTerminal(STDOUT_FILENO))
    throw invalid("cannot write an archive to a terminal").withHint("name a file");
  if (!session.globals().quiet)
    throw invalid("an archive on standard output leaves no room for messages there")
        .withHint("add --quiet");
  work.fds = {STDOUT_FILENO};
  return carryOut(session, std::move(work));
}

Fd openArchive(const std::string& path) {
  if (path != "-") return openFile(path, O_RDONLY | O_CLOEXEC);
  if (isTerminal(STDIN_FILENO))
    throw invalid("cannot read an archive from a terminal").withHint("name a file");
  return Fd(check(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "use standard input"));
}

}  // namespace vs::ctl
