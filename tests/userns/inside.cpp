#include "tests/userns/inside.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace vs::test {
namespace {

void writeTo(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY);
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) throw std::runtime_error(path);
  ::close(fd);
}

}  // namespace

std::string inChild(const std::function<std::string()>& body) {
  int pipe[2];
  if (::pipe(pipe) < 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("exception: ") + error.what();
    }
    ::_exit(::write(pipe[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(pipe[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return text;
}

std::string inRoot(const std::string& root, const std::function<std::string()>& body) {
  return inChild([&]() -> std::string {
    const std::string uid = std::to_string(::geteuid());
    const std::string gid = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER) < 0) return "no user namespace";
    writeTo("/proc/self/setgroups", "deny");
    writeTo("/proc/self/uid_map", "0 " + uid + " 1");
    writeTo("/proc/self/gid_map", "0 " + gid + " 1");
    if (::chroot(root.c_str()) < 0 || ::chdir("/") < 0) return "no root";
    return body();
  });
}

}  // namespace vs::test
