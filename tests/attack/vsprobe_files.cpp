#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <set>

#include "tests/attack/vsprobe.hpp"

namespace vs::probe {
namespace {

bool isNumber(const char* name) { return name[std::strspn(name, "0123456789")] == '\0'; }

// Visits every entry below `path` that is no directory, without following links. Processes of a
// /proc are left out: they are there to be read by their owner.
template <typename Visit>
void walk(const std::string& path, const Visit& visit) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) < 0) return;
  if (!S_ISDIR(status.st_mode)) return visit(path, status);
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return;
  const bool isProc = path == "/proc";
  while (const dirent* entry = ::readdir(directory)) {
    const char* const name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    if (isProc && isNumber(name)) continue;
    walk(path + (path.ends_with("/") ? "" : "/") + name, visit);
  }
  ::closedir(directory);
}

std::string rootInode() {
  struct stat status {};
  if (::stat(".", &status) < 0) return answerTo(-1);
  return std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev)) + ":" +
         std::to_string(status.st_ino);
}

std::string newFilesystem(const char* type) {
  const int context = static_cast<int>(::syscall(SYS_fsopen, type, 0));
  if (context < 0) return answerTo(context);
  if (::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return answerTo(-1);
  return answerTo(::syscall(SYS_fsmount, context, 0, 0));
}

std::string copyOf(const char* path) {
  return answerTo(::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE));
}

std::string makeWritable(const char* path) {
  mount_attr attributes{};
  attributes.attr_clr = MOUNT_ATTR_RDONLY;
  return answerTo(::syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof attributes));
}

void noteLink(const std::string& path, std::set<std::string>& seen) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length > 0) seen.emplace(target, static_cast<std::size_t>(length));
}

// One look at a process that is not ourselves; `opened` gets programs that could be opened to be
// written.
void lookAt(const std::string& process, std::set<std::string>& seen,
            std::set<std::string>& opened) {
  for (const char* link : {"/exe", "/cwd", "/root"}) noteLink(process + link, seen);
  for (int fd = 0; fd < 16; ++fd) noteLink(process + "/fd/" + std::to_string(fd), seen);
  const int program = ::open((process + "/exe").c_str(), O_WRONLY | O_CLOEXEC);
  if (program < 0) return;
  noteLink("/proc/self/fd/" + std::to_string(program), opened);
  ::close(program);
}

}  // namespace

void mounts() {
  const char* const here = "/tmp/vsprobe-mount";
  ::mkdir(here, 0700);
  const auto mount = [here](const char* from, const char* type, unsigned long flags) {
    const long result = ::mount(from, here, type, flags, nullptr);
    const std::string answer = answerTo(result);
    if (result == 0) ::umount2(here, MNT_DETACH);
    return answer;
  };
  say("mount-proc", mount("p", "proc", 0));
  say("mount-sysfs", mount("s", "sysfs", 0));
  say("mount-devtmpfs", mount("d", "devtmpfs", 0));
  say("mount-debugfs", mount("d", "debugfs", 0));
  say("mount-tracefs", mount("t", "tracefs", 0));
  say("mount-securityfs", mount("s", "securityfs", 0));
  say("mount-cgroup-v1", mount("c", "cgroup", 0));
  say("bind-proc", mount("/proc", nullptr, MS_BIND));
  say("bind-sys", mount("/sys", nullptr, MS_BIND));
  say("fsmount-proc", newFilesystem("proc"));
  say("fsmount-sysfs", newFilesystem("sysfs"));
  say("copy-proc", copyOf("/proc"));
  say("copy-sys", copyOf("/sys"));
  say("remount-proc-sys",
      answerTo(::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr)));
  say("remount-sysrq",
      answerTo(::mount(nullptr, "/proc/sysrq-trigger", nullptr, MS_REMOUNT | MS_BIND, nullptr)));
  say("remount-sys", answerTo(::mount(nullptr, "/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr)));
  say("setattr-proc-sys", makeWritable("/proc/sys"));
  say("setattr-sys", makeWritable("/sys"));
  for (const char* path : {"/proc/sys", "/proc/kcore", "/proc/sysrq-trigger", "/sys/firmware",
                           "/proc", "/sys", "/dev", "/"}) {
    say(std::string("umount-") + path, answerTo(::umount2(path, MNT_DETACH)));
    say(std::string("move-") + path, answerTo(::mount(path, here, nullptr, MS_MOVE, nullptr)));
  }
  ::rmdir(here);
}

// Leaves a chroot of our own by a working directory outside of it, and climbs.
void above() {
  if (::chdir("/") == 0) say("root", rootInode());
  const char* const jail = "/tmp/vsprobe-jail";
  ::mkdir(jail, 0700);
  if (::chroot(jail) < 0) return say("chroot", answerTo(-1));
  for (int i = 0; i < 100; ++i)
    if (::chdir("..") < 0) break;
  say("climbed", rootInode());
}

void nodes(const char* top) {
  walk(top, [](const std::string& path, const struct stat& status) {
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return;
    say(path, (S_ISBLK(status.st_mode) ? "b" : "c") + std::to_string(major(status.st_rdev)) + ":" +
                  std::to_string(minor(status.st_rdev)));
  });
}

void makeNodes(const char* directory) {
  static constexpr struct {
    const char* name;
    mode_t type;
    unsigned major, minor;
  } kNodes[] = {{"mem", S_IFCHR, 1, 1}, {"kmsg", S_IFCHR, 1, 11}, {"fuse", S_IFCHR, 10, 229},
                {"sda", S_IFBLK, 8, 0}, {"vda", S_IFBLK, 254, 0}, {"loop0", S_IFBLK, 7, 0},
                {"null", S_IFCHR, 1, 3}};
  for (const auto& node : kNodes) {
    const std::string path = std::string(directory) + "/" + node.name;
    say(node.name,
        answerTo(::mknod(path.c_str(), node.type | 0666, makedev(node.major, node.minor))));
  }
}

void readable(const char* top) {
  walk(top, [](const std::string& path, const struct stat& status) {
    if (S_ISLNK(status.st_mode)) return;
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    char byte;
    if (fd >= 0 && ::read(fd, &byte, 1) > 0) say(path, "ok");
    if (fd >= 0) ::close(fd);
  });
}

void writable(const char* top) {
  walk(top, [](const std::string& path, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) say(path, "ok");
    if (fd >= 0) ::close(fd);
  });
}

void watch(int seconds) {
  std::set<std::string> seen;
  std::set<std::string> opened;
  const std::string self = std::to_string(::getpid());
  int rounds = 0;
  std::set<std::string> pids;
  for (const time_t end = ::time(nullptr) + seconds; ::time(nullptr) < end; ++rounds) {
    DIR* const proc = ::opendir("/proc");
    if (proc == nullptr) return say("watch", answerTo(-1));
    while (const dirent* entry = ::readdir(proc)) {
      if (!isNumber(entry->d_name) || self == entry->d_name) continue;
      pids.emplace(entry->d_name);
      lookAt(std::string("/proc/") + entry->d_name, seen, opened);
    }
    ::closedir(proc);
  }
  say("rounds", std::to_string(rounds));
  say("processes", std::to_string(pids.size()));
  for (const std::string& target : seen) say("saw", target);
  for (const std::string& target : opened) say("opened", target);
}

void exchange(const char* one, const char* other, int seconds) {
  long done = 0;
  for (const time_t end = ::time(nullptr) + seconds; ::time(nullptr) < end; ++done)
    if (::renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
      return say("exchange", answerTo(-1));
  say("exchanged", std::to_string(done));
}

}  // namespace vs::probe
