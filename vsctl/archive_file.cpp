#include "vsctl/archive_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "vsctl/exit_code.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs::ctl {
namespace {

Error fileExists(const std::string& path) {
  return Error(Kind::Exists, fmt::format("file '{}' exists", path))
      .withHint("remove it first or choose another name");
}

// Not over what somebody else has made meanwhile.
void giveName(const std::string& unfinished, const std::string& path) {
  if (::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0)
    return;
  const int code = errno;
  if (code == EEXIST || (code == EINVAL && exists(path))) {
    removeFile(unfinished);
    throw fileExists(path);
  }
  // A file system that cannot say "unless it exists".
  if (code == EINVAL)
    check(::rename(unfinished.c_str(), path.c_str()), "rename '{}' to '{}'", unfinished, path);
  else
    throw systemError(code, fmt::format("rename '{}' to '{}'", unfinished, path));
}

struct Unfinished {
  std::string path;
  Fd file;
};

// Under a name of its own: another export to this file may be under way.
Unfinished makeUnfinished(const std::string& path, mode_t mode) {
  Unfinished made{path + ".XXXXXX.part", Fd()};
  made.file =
      Fd(check(::mkostemps(made.path.data(), 5, O_CLOEXEC), "make a file beside '{}'", path));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  check(::fchmod(made.file.get(), mode & ~mask), "set the mode of '{}'", made.path);
  return made;
}

int exportToFile(Session& session, const std::string& path, mode_t mode, Work work) {
  if (exists(path)) throw fileExists(path);
  if (session.globals().dryRun) return carryOut(session, std::move(work));
  const Unfinished unfinished = makeUnfinished(path, mode);
  work.fds = {unfinished.file.get()};
  const int code = carryOut(session, std::move(work));
  if (code != kSuccess) {
    if (code != kInterrupted) removeFile(unfinished.path);
    return code;
  }
  giveName(unfinished.path, path);
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
