#include "vsd/guest/exec_process.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "vsd/guest/confine.hpp"
#include "vsd/guest/linux.hpp"
#include "vsd/guest/user.hpp"

namespace vs::guest {
namespace {

using Exec = Progress<ExecStage>;

constexpr std::size_t kAddedVariables = 6;

// The master goes out to the caller; the other side becomes our controlling terminal. It is always
// a fresh one of the context's own, so nothing can be pushed into the caller's (CVE-2016-10124).
void openTerminal(const Exec& progress, const ExecPlan& plan) noexcept {
  open_how how{};
  how.flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const int master = static_cast<int>(
      progress.must(::syscall(SYS_openat2, AT_FDCWD, "/dev/pts/ptmx", &how, sizeof how)));
  progress.must(checkPtmx(master));
  const int unlocked = 0;
  progress.must(::ioctl(master, TIOCSPTLCK, &unlocked));
  const winsize size{.ws_row = plan.rows, .ws_col = plan.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  progress.must(::ioctl(master, TIOCSWINSZ, &size));
  const int terminal = progress.must(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  say(progress.socket(), {.type = NoteType::Console}, master);
  for (int fd = 0; fd <= 2; ++fd) progress.must(::dup2(terminal, fd));
  progress.must(::ioctl(STDIN_FILENO, TIOCSCTTY, 0));
}

// Afterwards 0, 1, 2 and the handshake are all there is.
void takeStdio(Exec& progress, const ExecPlan& plan) noexcept {
  if (plan.terminal) {
    progress.enter(ExecStage::Terminal);
    openTerminal(progress, plan);
  } else {
    progress.enter(ExecStage::Stdio);
    for (int fd = 0; fd <= 2; ++fd) progress.must(::dup2(kStdioFd + fd, fd));
  }
  progress.mustBeZero(closeFrom(3, progress.socket()));
}

User lookUpUser(Exec& progress, const ExecPlan& plan) noexcept {
  progress.enter(ExecStage::User);
  const std::optional<User> user = findUser(plan.user.c_str());
  if (!user) progress.fail(errno);
  if (plan.terminal) progress.must(::fchown(STDIN_FILENO, user->uid, static_cast<gid_t>(-1)));
  return *user;
}

void takeOn(Exec& progress, const User& user, const Confinement& confinement) noexcept {
  progress.enter(ExecStage::Seccomp);
  progress.mustBeZero(installFilter(confinement));
  progress.enter(ExecStage::Ids);
  progress.mustBeZero(takeIdentity({.uid = user.uid,
                                    .gid = user.gid,
                                    .groups = user.groups.data(),
                                    .groupCount = user.groupCount},
                                   confinement.capabilities));
}

// With the rights of the user. A directory that was asked for must be there; a home need not.
void enterDirectory(Exec& progress, const ExecPlan& plan, const User& user) noexcept {
  progress.enter(ExecStage::WorkingDirectory);
  if (!plan.workingDirectory.empty())
    progress.must(::chdir(plan.workingDirectory.c_str()));
  else if (::chdir(user.home.data()) < 0)
    progress.must(::chdir("/"));
  // A directory outside our root reads "(unreachable)/...": no way there is left open, and none is
  // taken even so (CVE-2024-21626).
  char where[PATH_MAX];
  if (progress.must(::syscall(SYS_getcwd, where, sizeof where)) > 0 && where[0] != '/')
    progress.fail(ENOENT);
}

const char* variable(const std::vector<char*>& environment, const char* name) noexcept {
  const std::size_t length = std::strlen(name);
  for (const char* entry : environment)
    if (entry != nullptr && std::strncmp(entry, name, length) == 0 && entry[length] == '=')
      return entry + length + 1;
  return nullptr;
}

void addVariable(std::vector<char*>& environment, char* entry) noexcept {
  for (char*& slot : environment) {
    if (slot != nullptr) continue;
    slot = entry;
    return;
  }
}

// What login would set, where the caller has not.
void completeEnvironment(PreparedExec& prepared, User& user) noexcept {
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  static char term[] = "TERM=xterm";
  static struct {
    const char* name;
    char text[1100];
  } added[] = {{"HOME", ""}, {"SHELL", ""}, {"USER", ""}, {"LOGNAME", ""}};
  const char* const values[] = {user.home.data(), user.shell.data(), user.name.data(),
                                user.name.data()};
  for (std::size_t i = 0; i < std::size(added); ++i) {
    if (values[i][0] == '\0' || variable(prepared.environment, added[i].name) != nullptr) continue;
    std::strcpy(added[i].text, added[i].name);
    std::strcat(added[i].text, "=");
    std::strncat(added[i].text, values[i], sizeof added[i].text - 16);
    addVariable(prepared.environment, added[i].text);
  }
  if (variable(prepared.environment, "PATH") == nullptr) addVariable(prepared.environment, path);
  if (prepared.plan.terminal && variable(prepared.environment, "TERM") == nullptr)
    addVariable(prepared.environment, term);
}

// Tries each directory of PATH, as execvp(3) does, without its fallback to a shell. Returns the
// errno that tells most: EACCES for a program that is there but may not be run.
int executeAlongPath(const PreparedExec& prepared, const char* path) noexcept {
  const char* const name = prepared.argv[0];
  int problem = ENOENT;
  while (*path != '\0') {
    const std::size_t length = std::strcspn(path, ":");
    char candidate[PATH_MAX];
    if (length > 0 && length + std::strlen(name) + 2 <= sizeof candidate) {
      std::memcpy(candidate, path, length);
      candidate[length] = '/';
      std::strcpy(candidate + length + 1, name);
      ::execve(candidate, prepared.argv.data(), prepared.environment.data());
      if (errno != ENOENT && errno != ENOTDIR) problem = errno;
    }
    path += length + (path[length] == ':');
  }
  return problem;
}

[[noreturn]] void execute(Exec& progress, const PreparedExec& prepared) noexcept {
  const char* const name = prepared.argv[0];
  int problem = ENOENT;
  if (std::strchr(name, '/') != nullptr) {
    ::execve(name, prepared.argv.data(), prepared.environment.data());
    problem = errno;
  } else if (*name != '\0') {
    problem = executeAlongPath(prepared, variable(prepared.environment, "PATH"));
  }
  switch (problem) {
    case ENOENT:
    case ENOTDIR:
      progress.fail(ExecStage::NotFound, problem);
    case EACCES:
    case EPERM:
    case ENOEXEC:
    case EISDIR:
    case ETXTBSY:
    case ELIBBAD:
      progress.fail(ExecStage::NotExecutable, problem);
    default:
      progress.fail(ExecStage::Exec, problem);
  }
}

// H2.
[[noreturn]] void becomeProgram(Exec& progress, PreparedExec& prepared) noexcept {
  const ExecPlan& plan = prepared.plan;
  progress.must(::setsid());
  progress.mustBeZero(becomeRoot());
  // A change of ids sets this from fs.suid_dumpable, which may be anything.
  progress.must(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  progress.mustBeZero(leaveKeyring());
  takeStdio(progress, plan);
  User user = lookUpUser(progress, plan);
  say(progress.socket(), {.type = NoteType::Prepared, .uid = user.uid, .gid = user.gid});
  progress.awaitGo();
  takeOn(progress, user, plan.confinement);
  enterDirectory(progress, plan, user);
  completeEnvironment(prepared, user);
  execute(progress, prepared);
}

}  // namespace

PreparedExec::PreparedExec(ExecPlan given) : plan(std::move(given)) {
  for (std::string& argument : plan.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  for (std::string& entry : plan.environment) environment.push_back(entry.data());
  environment.resize(environment.size() + kAddedVariables + 1, nullptr);
}

void enterContext(int socket, PreparedExec& prepared) noexcept {
  Exec progress(socket);
  progress.enter(ExecStage::Namespaces);
  int spaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
               CLONE_NEWNET | CLONE_NEWCGROUP;
  if (::access("/proc/self/ns/time", F_OK) == 0) spaces |= CLONE_NEWTIME;
  progress.must(::setns(kInitFd, spaces));  // all or none (setns(2), "pidfd")
  progress.enter(ExecStage::Fork);
  // Entering a pid namespace takes effect for children only; this one becomes H0's child.
  const Cloned inner = cloneProcess(CLONE_PARENT);
  if (inner.pid == 0) becomeProgram(progress, prepared);
  progress.must(inner.pid);
  say(progress.socket(), {.type = NoteType::Started, .value = inner.pid});
  ::_exit(0);
}

}  // namespace vs::guest
