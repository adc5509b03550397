#include "vsd/ops/obstacles.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "checkpoint/socket_queues.hpp"
#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/log.hpp"
#include "vsd/base/names.hpp"
#include "vsd/base/root_fs.hpp"
#include "vsd/kernel/covers.hpp"
#include "vsd/kernel/devices.hpp"
#include "vsd/kernel/externals.hpp"
#include "vsd/kernel/moments.hpp"
#include "vsd/kernel/scope.hpp"
#include "vsd/ops/running.hpp"

namespace vs {
namespace {

using checkpoint::MountTable;
using checkpoint::Obstacle;
using checkpoint::OpenFile;

constexpr std::size_t kLongest = 500;  // bytes of what is said of one
constexpr int kLooks = 3;
constexpr Millis kBetweenLooks{20};
constexpr std::size_t kTableLimit = 64U << 20;  // bytes of a file of /proc

// Of a process that has ended meanwhile, or a descriptor that is closed, there is none.
std::optional<std::string> procFile(const std::string& path) {
  try {
    return readFileIfExists(path, kTableLimit);
  } catch (const Error& error) {
    if (error.errnoValue() == ESRCH || error.errnoValue() == ENOENT) return std::nullopt;
    throw;
  }
}

std::string linkOf(const std::string& path) {
  std::string target(4096, '\0');
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  target.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return target;
}

// The number behind "key:" in a file of /proc; `fallback` without one.
std::int64_t numberIn(std::string_view text, std::string_view key, int base,
                      std::int64_t fallback) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
    line.remove_prefix(key.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::int64_t number = fallback;
    std::from_chars(line.data(), line.data() + line.size(), number, base);
    return number;
  }
  return fallback;
}

// State and parent: "PID (name) STATE PPID ...", the name may hold anything, also parentheses.
struct Stat {
  char state = '?';
  pid_t parent = 0;
};
std::optional<Stat> statOf(const std::string& directory) {
  const auto text = procFile(directory + "/stat");
  if (!text) return std::nullopt;
  const std::size_t end = text->rfind(')');
  if (end == std::string::npos || end + 4 > text->size()) return std::nullopt;
  Stat stat;
  stat.state = (*text)[end + 2];
  std::from_chars(text->data() + end + 4, text->data() + text->size(), stat.parent);
  return stat;
}

std::string programOf(pid_t pid) {
  std::string name = procFile(fmt::format("/proc/{}/comm", pid)).value_or("?");
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

// "0::/vs.slice/vs-a.scope/payload/system.slice/redis.service" -> "redis.service"
std::string unitOf(pid_t pid) {
  std::string path = procFile(fmt::format("/proc/{}/cgroup", pid)).value_or("");
  if (path.ends_with('\n')) path.pop_back();
  const std::size_t payload = path.find("/payload/");
  if (payload == std::string::npos) return {};
  std::string unit;
  for (std::size_t at = payload + 9; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (part.ends_with(".service") || part.ends_with(".scope")) unit = part;
    at = end + 1;
  }
  return unit;
}

class Survey {
 public:
  Survey(const Host& host, const ContextPicture& context)
      : definition_(context.definition),
        scope_(scopeUnitOf(context.definition.name)),
        init_(context.running->init.pid()),
        pids_(cgroupOf(host, context.definition.name).pids()),
        mounts_(tableOf(init_)),
        lasting_(lastingIn(init_, pids_)) {}

  std::vector<FoundObstacle> all() {
    ofKind();
    ofMounts();
    ofGroups();
    const std::set<pid_t> inside(pids_.begin(), pids_.end());
    for (const pid_t pid : pids_) {
      pid_ = pid;
      ofProcess(inside);
    }
    return std::move(found_);
  }

 private:
  // What every process may hold for a moment, and these have held for longer.
  struct Lasting {
    std::set<pid_t> sharers;
    std::set<std::uint64_t> netlink, unixSockets;  // inodes
    bool isEmpty() const { return sharers.empty() && netlink.empty() && unixSockets.empty(); }
  };

  static Lasting momentIn(pid_t init, const std::vector<pid_t>& pids) {
    return {
        sharersAmong(pids),
        checkpoint::unreadNetlink(procFile(fmt::format("/proc/{}/net/netlink", init)).value_or("")),
        unreadUnixSockets(init)};
  }

  static Lasting lastingIn(pid_t init, const std::vector<pid_t>& pids) {
    Lasting lasting = momentIn(init, pids);
    for (int look = 1; look < kLooks && !lasting.isEmpty(); ++look) {
      std::this_thread::sleep_for(kBetweenLooks);
      const Lasting now = momentIn(init, pids);
      std::erase_if(lasting.sharers, [&](pid_t pid) { return !now.sharers.contains(pid); });
      std::erase_if(lasting.netlink, [&](auto inode) { return !now.netlink.contains(inode); });
      std::erase_if(lasting.unixSockets,
                    [&](auto inode) { return !now.unixSockets.contains(inode); });
    }
    return lasting;
  }

  static MountTable tableOf(pid_t pid) {
    return MountTable(readFile(fmt::format("/proc/{}/mountinfo", pid), kTableLimit));
  }

  void addFinal(const Obstacle& obstacle) {
    add("", obstacle);
    found_.back().isFinal = true;
  }

  // Names of programs, units and files are the context's own words: any bytes.
  void add(std::string where, const Obstacle& obstacle) {
    FoundObstacle found;
    if (pid_ != 0) {
      found.pid = pid_;
      found.program = escaped(programOf(pid_));
      found.unit = escaped(unitOf(pid_));
    }
    found.where = std::move(where);
    found.obstacle = {obstacle.kind, escaped(obstacle.found.substr(0, kLongest)),
                      escaped(obstacle.remedy.substr(0, kLongest))};
    found_.push_back(std::move(found));
  }

  void ofKind() {
    const std::string& name = definition_.name;
    if (definition_.profile == Profile::Nesting)
      addFinal({"profile", "it has the profile 'nesting': namespaces that it makes cannot be saved",
                fmt::format("'vsctl set {} --profile system' and start it again", name)});
    if (definition_.init == Init::Command)
      addFinal({"init", "it runs a single command: its process 1 is vsd's own and cannot be saved",
                "only contexts with an init of their own can be saved"});
  }

  void ofMounts() {
    const checkpoint::Mount* root = mounts_.root();
    if (root == nullptr) return;
    std::set<std::string> external;
    for (const ExternalMount& mount :
         externalMounts(defaultDevices(), defaultCovers(isolationOf(definition_))))
      external.insert(mount.path);
    for (const auto& [id, mount] : mounts_.all())
      if (!external.contains(mount.point))
        if (auto obstacle = checkpoint::obstacleIn(mount, *root)) add("", *obstacle);
    for (const auto& [id, mount] : mounts_.all())
      if (mount.type == "mqueue") ofQueues(mount.point);
  }

  // Each is a file there, also when no process has it open.
  void ofQueues(const std::string& point) {
    const Fd root = openFile(fmt::format("/proc/{}/root", init_), O_PATH | O_DIRECTORY);
    const Fd directory =
        openResolved(root.get(), point.substr(1), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (!directory) return;
    for (const std::string& name : listDirectory(fmt::format("/proc/self/fd/{}", directory.get())))
      add("", {"message queue", fmt::format("the POSIX message queue '/{}' is there", name),
               fmt::format("end what uses it, and remove it: rm {}/{}", point, name)});
  }

  void ofGroups() {
    const auto table = [this](const char* name) {
      return procFile(fmt::format("/proc/{}/net/{}", init_, name)).value_or("");
    };
    for (const std::string& group : checkpoint::joinedGroups(table("igmp"), table("igmp6")))
      add("", checkpoint::ofJoinedGroup(group));
  }

  void ofProcess(const std::set<pid_t>& inside) {
    const std::string process = fmt::format("/proc/{}", pid_);
    const auto stat = statOf(process);
    if (!stat) return;
    if (pid_ != init_ && !inside.contains(stat->parent) && isFromOutside(process, *stat)) {
      addFinal({"session", "it was started from outside, by 'vsctl exec' or the like",
                "end it, or wait for its end"});
      return;
    }
    ofThreads(process);
    if (stat->state == 'Z') return;
    if (lasting_.sharers.contains(pid_))
      add("", {"shared memory", "it shares its memory or working directory with another process",
               "end the program"});
    ofNamespaces(process);
    ofFiles(process);
    ofMemory(process);
  }

  // Not so when its parent has begun or ended since the list was made.
  bool isFromOutside(const std::string& process, const Stat& stat) const {
    const std::string groups = procFile(fmt::format("/proc/{}/cgroup", stat.parent)).value_or("");
    if (groups.find(fmt::format("/{}/payload", scope_)) != std::string::npos) return false;
    const auto now = statOf(process);
    return now && now->parent == stat.parent;
  }

  void ofThreads(const std::string& process) {
    checkpoint::Threads threads;
    threads.tracer = static_cast<pid_t>(
        numberIn(procFile(process + "/status").value_or(""), "TracerPid", 10, 0));
    for (const std::string& thread : listDirectory(process + "/task"))
      if (const auto stat = statOf(fmt::format("{}/task/{}", process, thread)))
        threads.states.push_back(stat->state);
    if (auto obstacle = checkpoint::obstacleIn(threads)) add("", *obstacle);
  }

  void ofNamespaces(const std::string& process) {
    for (const char* kind : {"cgroup", "ipc", "net", "pid", "pid_for_children", "time",
                             "time_for_children", "user", "uts", "mnt"}) {
      const std::string own = linkOf(fmt::format("{}/ns/{}", process, kind));
      const std::string inits = linkOf(fmt::format("/proc/{}/ns/{}", init_, kind));
      if (!own.empty() && own != inits)
        add(fmt::format("namespace {}", kind),
            {"namespace", "it has a namespace of its own", "end the program"});
    }
  }

  void ofFiles(const std::string& process) {
    for (const std::string& number : listDirectory(process + "/fd")) {
      const std::string link = fmt::format("{}/fd/{}", process, number);
      OpenFile file;
      file.target = linkOf(link);
      // Nothing is asked of a server behind a file system for this.
      struct statx status {};
      if (file.target.empty() ||
          ::statx(AT_FDCWD, link.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_NLINK | STATX_BLOCKS, &status) != 0)
        continue;  // closed meanwhile
      file.mode = status.stx_mode;
      file.device = checkpoint::deviceNumber(status.stx_rdev_major, status.stx_rdev_minor);
      file.links = status.stx_nlink;
      file.bytes = status.stx_blocks * 512;
      if (S_ISSOCK(file.mode)) {
        file.protocol = protocolOf(link);
        ofSocket(number, file);
      }
      const std::string info = procFile(fmt::format("{}/fdinfo/{}", process, number)).value_or("");
      file.mount = static_cast<int>(numberIn(info, "mnt_id", 10, -1));
      file.flags = static_cast<unsigned>(numberIn(info, "flags", 8, 0));
      if (auto obstacle = checkpoint::obstacleIn(file, mounts_))
        add(fmt::format("fd {}", number), *obstacle);
      for (const checkpoint::Watch& watch : checkpoint::watchesIn(info)) ofWatch(number, watch);
    }
  }

  // What can be told of a socket only by asking it.
  void ofSocket(const std::string& number, const OpenFile& file) {
    std::uint64_t inode = 0;
    constexpr std::string_view kSocket = "socket:[";
    if (!file.target.starts_with(kSocket)) return;
    std::from_chars(file.target.data() + kSocket.size(), file.target.data() + file.target.size(),
                    inode);
    const auto say = [&](const char* found) {
      add(fmt::format("fd {}", number),
          {"socket", found, "let the program go on with it, or end it"});
    };
    if (lasting_.netlink.contains(inode))
      say("messages of the kernel (netlink) wait that it does not read");
    if (file.protocol.starts_with("UDP") && optionOf(number, IPPROTO_UDP, UDP_CORK))
      say("it holds a datagram back (UDP_CORK)");
    if (!lasting_.unixSockets.contains(inode)) return;
    if (optionOf(number, SOL_SOCKET, SO_ACCEPTCONN))
      say("connections wait that it does not accept");
    else if (optionOf(number, SOL_SOCKET, SO_PASSCRED))
      say("messages with credentials wait that it does not read");
  }

  bool optionOf(const std::string& number, int level, int option) const {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!process) return false;
    const Fd socket(
        static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), std::atoi(number.c_str()), 0)));
    int value = 0;
    socklen_t size = sizeof value;
    return socket && ::getsockopt(socket.get(), level, option, &value, &size) == 0 && value != 0;
  }

  void ofWatch(const std::string& number, const checkpoint::Watch& watch) {
    if (canBeFound(watch)) return;
    add(fmt::format("fd {}", number),
        {"inotify",
         fmt::format("it watches a file (inode {}) that is deleted, or in /proc or the like",
                     watch.inode),
         "restart the program (tail -F after a rotation), or configure it to do without"});
  }

  // criu looks for a path as its handle says it.
  bool canBeFound(const checkpoint::Watch& watch) const {
    const Fd root = openFile(fmt::format("/proc/{}/root", init_), O_PATH | O_DIRECTORY);
    for (const auto& [id, mount] : mounts_.all()) {
      if (mount.device != watch.device || mounts_.isCovered(mount)) continue;
      const Fd place =
          openResolved(root.get(), "." + mount.point, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
      if (!place) continue;
      std::vector<char> bytes(sizeof(file_handle) + watch.handle.size());
      auto* handle = reinterpret_cast<file_handle*>(bytes.data());
      handle->handle_bytes = static_cast<unsigned>(watch.handle.size());
      handle->handle_type = watch.handleType;
      std::memcpy(handle->f_handle, watch.handle.data(), watch.handle.size());
      const Fd file(::open_by_handle_at(place.get(), handle, O_PATH | O_CLOEXEC));
      struct stat status {};
      if (file && ::fstat(file.get(), &status) == 0 && status.st_nlink > 0) return true;
    }
    return false;
  }

  static std::string protocolOf(const std::string& link) {
    char name[64];
    const ssize_t length = ::getxattr(link.c_str(), "system.sockprotoname", name, sizeof name - 1);
    if (length <= 0) return {};
    name[length] = '\0';
    return name;
  }

  void ofMemory(const std::string& process) {
    const std::string maps = procFile(process + "/maps").value_or("");
    for (std::size_t at = 0; at < maps.size();) {
      const std::size_t end = std::min(maps.find('\n', at), maps.size());
      const std::string_view line = std::string_view(maps).substr(at, end - at);
      at = end + 1;
      if (auto obstacle = checkpoint::obstacleIn(line))
        add(fmt::format("memory {}", line.substr(0, line.find(' '))), *obstacle);
    }
  }

  const Definition& definition_;
  std::string scope_;  // "vs-a.scope"
  pid_t init_;
  std::vector<pid_t> pids_;
  MountTable mounts_;
  Lasting lasting_;
  pid_t pid_ = 0;  // the one that is looked at; 0: the context as a whole
  std::vector<FoundObstacle> found_;
};

}  // namespace

std::vector<FoundObstacle> obstaclesIn(const Host& host, const std::string& name) {
  const ContextPicture context = host.contexts.find(name);
  if (!context.running)
    throw Error(Kind::InvalidState,
                fmt::format("context '{}' is {}: what is in the way of saving its memory is seen "
                            "when it runs",
                            name, nameOf(context.state)));
  std::vector<FoundObstacle> all = Survey(host, context).all();
  host.contexts.setObstacles(name, *context.running, inWords(all));
  return all;
}

void lookForObstacles(const Host& host, const std::string& name) {
  try {
    obstaclesIn(host, name);
  } catch (const Error& error) {
    // It may be ending at this moment.
    log::debug("context '{}': {}, ignoring", name, error.text());
  }
}

std::string inWords(const FoundObstacle& found) {
  if (found.pid == 0) return found.obstacle.found;
  std::string place = found.unit.empty() ? "" : ", " + found.unit;
  place += found.where.empty() ? ")" : "), " + found.where;
  return fmt::format("{} (process {}{}: {}", found.program, found.pid, place, found.obstacle.found);
}

std::vector<std::string> inWords(const std::vector<FoundObstacle>& all) {
  std::vector<std::string> words;
  for (const FoundObstacle& found : all) words.push_back(inWords(found));
  return words;
}

}  // namespace vs
