#include "vsd/kernel/cgroup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"

namespace vs {
namespace {

constexpr const char* kSlice = "vs.slice";
constexpr std::string_view kScopePrefix = "vs-";
constexpr std::string_view kScopeSuffix = ".scope";
constexpr const char* kDelegated[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};

std::vector<std::string> wordsOf(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// A file of a cgroup that may go away, with its cgroup, at any moment.
std::optional<std::string> readGroupFile(const std::string& path) {
  try {
    return readFileIfExists(path);
  } catch (const Error& error) {
    if (error.errnoValue() == ENODEV) return std::nullopt;
    throw;
  }
}

// systemd takes the groups of a scope away as soon as its last process has ended.
void writeUnlessGone(const std::string& path, const std::string& value) {
  try {
    writeExisting(path, value);
  } catch (const Error& error) {
    if (error.errnoValue() != ENOENT && error.errnoValue() != ENODEV) throw;
  }
}

std::vector<std::string> controllersOf(const std::string& group) {
  return wordsOf(readGroupFile(group + "/cgroup.controllers").value_or(""));
}

// The value of "key N" in a flat keyed file such as cgroup.events and cpu.stat.
std::optional<std::uint64_t> keyedValue(const std::string& path, std::string_view key) {
  const std::vector<std::string> words = wordsOf(readGroupFile(path).value_or(""));
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != key) continue;
    std::uint64_t value = 0;
    const std::string& text = words[i + 1];
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc()) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> singleValue(const std::string& path) {
  const std::optional<std::string> text = readGroupFile(path);
  std::uint64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

// Hands every controller `group` has to its children. One that refuses (a realtime task keeps `cpu`
// back, say) must not keep the others back: each has a write of its own.
void enableControllers(const std::string& group) {
  const std::string file = group + "/cgroup.subtree_control";
  const std::vector<std::string> enabled = wordsOf(readGroupFile(file).value_or(""));
  for (const std::string& controller : controllersOf(group)) {
    if (std::find(enabled.begin(), enabled.end(), controller) != enabled.end()) continue;
    try {
      writeExisting(file, "+" + controller);
    } catch (const Error&) {
      // Then it is missing below, and a limit that needs it says so.
    }
  }
}

void chownIfThere(const std::string& path, std::uint32_t id) {
  if (::lchown(path.c_str(), id, id) < 0 && errno != ENOENT)
    throw systemError(errno, fmt::format("give '{}' to the context", path));
}

void delegate(const std::string& group, std::uint32_t id) {
  chownIfThere(group, id);
  for (const char* file : kDelegated) chownIfThere(group + "/" + file, id);
}

// Waits until `condition` holds. cgroup.events announces its changes as POLLPRI; the short timeout
// is for what changes without it (and for the plain directory trees of tests).
template <typename Condition>
bool waitFor(const std::string& group, Millis time, Condition condition) {
  const Deadline deadline = deadlineIn(time);
  const Fd events(::open((group + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    pollfd wanted{events.get(), POLLPRI, 0};
    ::poll(&wanted, 1, 10);
  }
  return true;
}

void collectPids(const std::string& group, std::vector<pid_t>& pids) {
  for (const std::string& word : wordsOf(readGroupFile(group + "/cgroup.procs").value_or(""))) {
    pid_t pid = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), pid).ec == std::errc() && pid > 0)
      pids.push_back(pid);
  }
}

std::vector<std::string> childrenOf(const std::string& group) {
  std::vector<std::string> children;
  for (const std::string& name : listDirectory(group)) {
    struct stat status {};
    const std::string path = group + "/" + name;
    if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) children.push_back(path);
  }
  return children;
}

template <typename Visit>
void visitTree(const std::string& group, const Visit& visit) {
  for (const std::string& child : childrenOf(group)) visitTree(child, visit);
  visit(group);
}

// "max" for a limit that is absent.
template <typename Value>
std::string orMax(const std::optional<Value>& value) {
  if (!value) return "max";
  if constexpr (std::is_same_v<Value, Bytes>)
    return std::to_string(value->value);
  else
    return std::to_string(*value);
}

template <typename Value>
LimitWrite::Need needOf(const std::optional<Value>& value) {
  return value ? LimitWrite::Need::Required : LimitWrite::Need::Reset;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What a context may have written in groups of its own, and what each holds when it has not.
constexpr std::pair<const char*, const char*> kGroupValues[] = {
    {"cgroup.max.depth", "max"}, {"cgroup.max.descendants", "max"},
    {"cpu.idle", "0"},           {"cpu.max", "max 100000"},
    {"cpu.weight", "100"},       {"cpuset.cpus", ""},
    {"cpuset.mems", ""},         {"io.weight", "default 100"},
    {"memory.high", "max"},      {"memory.low", "0"},
    {"memory.max", "max"},       {"memory.min", "0"},
    {"memory.oom.group", "0"},   {"memory.swap.high", "max"},
    {"memory.swap.max", "max"},  {"pids.max", "max"},
};

std::string firstLine(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

// The id of a process in the innermost pid namespace it is in; nullopt when that is the host's, or
// when it is gone.
std::optional<pid_t> idInside(pid_t pid) {
  const auto status = readFileIfExists(fmt::format("/proc/{}/status", pid));
  if (!status) return std::nullopt;
  const std::size_t line = status->find("\nNSpid:");
  if (line == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(*status).substr(line + 1);
  std::string_view ids = rest.substr(0, rest.find('\n'));
  ids.remove_prefix(ids.find(':') + 1);
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = ids.find_first_of("0123456789", at)) != std::string_view::npos;) {
    const std::size_t end = std::min(ids.find_first_not_of("0123456789", at), ids.size());
    words.emplace_back(ids.substr(at, end - at));
    at = end;
  }
  if (words.size() < 2) return std::nullopt;
  return static_cast<pid_t>(std::stol(words.back()));
}

GroupRecord recordOf(const std::string& group, const std::string& path, const IdRange& ids) {
  GroupRecord record{.path = path};
  struct stat status {};
  check(::stat(group.c_str(), &status), "look at the cgroup '{}'", group);
  record.owner = status.st_uid - ids.first;  // of a host's id it is beyond every range
  check(::stat((group + "/cgroup.procs").c_str(), &status), "look at the cgroup '{}'", group);
  record.delegated = status.st_uid >= ids.first && status.st_uid - ids.first < ids.count;
  record.controllers = wordsOf(readGroupFile(group + "/cgroup.subtree_control").value_or(""));
  std::vector<pid_t> pids;
  collectPids(group, pids);
  for (const pid_t pid : pids)
    if (const auto inside = idInside(pid)) record.tasks.push_back(*inside);
  if (path.empty()) return record;  // its limits are the host's
  for (const auto& [file, usual] : kGroupValues)
    if (const auto value = readGroupFile(group + "/" + file))
      if (const std::string line = firstLine(*value); line != usual)
        record.values.emplace_back(file, line);
  return record;
}

void recordTree(const std::string& group, const std::string& path, const IdRange& ids,
                std::vector<GroupRecord>& records) {
  if (readGroupFile(group + "/cgroup.type").value_or("").starts_with("threaded"))
    throw Error(Kind::Unsupported,
                fmt::format("the cgroup '{}' is threaded: its tasks cannot be put back", path));
  records.push_back(recordOf(group, path, ids));
  for (const std::string& child : childrenOf(group)) {
    const std::string name = child.substr(group.size() + 1);
    recordTree(child, path.empty() ? name : path + "/" + name, ids, records);
  }
}

}  // namespace

std::vector<LimitWrite> limitWrites(const ResourceLimits& limits) {
  constexpr std::uint64_t kPeriod = 100'000;  // microseconds, the kernel's default
  std::string cpuMax = fmt::format("max {}", kPeriod);
  if (limits.milliCpus) cpuMax = fmt::format("{} {}", *limits.milliCpus * kPeriod / 1000, kPeriod);
  std::vector<LimitWrite> writes{
      {"memory", "memory.max", orMax(limits.memory), needOf(limits.memory)},
      {"memory", "memory.swap.max", !limits.swap && limits.memory ? "0" : orMax(limits.swap),
       needOf(limits.swap)},
      {"cpu", "cpu.max", cpuMax, needOf(limits.milliCpus)},
      {"cpu", "cpu.weight", std::to_string(limits.cpuWeight.value_or(100)),
       needOf(limits.cpuWeight)},
      {"pids", "pids.max", std::to_string(limits.pids.value_or(kDefaultPids)), needOf(limits.pids)},
  };
  const bool anyRate = limits.readRate || limits.writeRate;
  if (anyRate && limits.device.empty())
    throw Error(Kind::Unsupported, "a rate limit needs a volume with a block device of its own")
        .withHint("leave readRate and writeRate away, or use another storage tier");
  if (!limits.device.empty())
    writes.push_back({"io", "io.max",
                      fmt::format("{} rbps={} wbps={}", limits.device, orMax(limits.readRate),
                                  orMax(limits.writeRate)),
                      anyRate ? LimitWrite::Need::Required : LimitWrite::Need::Reset});
  return writes;
}

ContextCgroup::ContextCgroup(std::string root, std::string name)
    : root_(std::move(root)),
      name_(std::move(name)),
      scope_(fmt::format("{}/{}/{}{}{}", root_, kSlice, kScopePrefix, name_, kScopeSuffix)) {}

bool ContextCgroup::exists() const { return vs::exists(scope_); }

void ContextCgroup::create(const IdRange& ids) const {
  makeDirectories(monitor());
  makeDirectories(payload());
  enableControllers(root_);
  enableControllers(root_ + "/" + kSlice);
  enableControllers(scope_);
  delegate(payload(), ids.first);
}

void ContextCgroup::create(const IdRange& ids, pid_t guest) const {
  makeDirectories(monitor());
  // Before anything is enabled: a cgroup with processes of its own cannot hand controllers on.
  writeExisting(monitor() + "/cgroup.procs", std::to_string(guest));
  create(ids);
}

Fd ContextCgroup::openPayload() const { return openDirectory(payload()); }
Fd ContextCgroup::openMonitor() const { return openDirectory(monitor()); }

Fd ContextCgroup::openExecGroup(const IdRange& ids) const {
  const std::string group = payload() + "/vsd-exec";
  if (!vs::exists(group)) {
    // Not with its parents: without a payload there is no context to execute in.
    if (::mkdir(group.c_str(), 0755) < 0 && errno != EEXIST)
      throw systemError(errno, fmt::format("create the cgroup '{}'", group));
    delegate(group, ids.first);
  }
  return openDirectory(group);
}

std::vector<std::string> ContextCgroup::availableControllers() const {
  return controllersOf(exists() ? payload() : root_);
}

void ContextCgroup::applyLimits(const ResourceLimits& limits) const {
  const std::vector<LimitWrite> writes = limitWrites(limits);
  const std::vector<std::string> available = availableControllers();
  for (const LimitWrite& write : writes)
    if (write.need == LimitWrite::Need::Required && !has(available, write.controller))
      throw Error(Kind::Unsupported,
                  fmt::format("context '{}' cannot have the limit {}: this host has no cgroup v2 "
                              "controller '{}' for it",
                              name_, write.file, write.controller))
          .withHint(
              "boot the host with systemd.unified_cgroup_hierarchy=1 (and, for memory, "
              "without cgroup_disable=memory), or leave the limit away");
  for (const LimitWrite& write : writes) {
    const std::string file = payload() + "/" + write.file;
    // memory.swap.max is missing on a kernel without swap accounting.
    if (write.need == LimitWrite::Need::Reset && !vs::exists(file)) continue;
    writeExisting(file, write.value);
  }
}

bool ContextCgroup::isFrozen() const {
  return keyedValue(payload() + "/cgroup.events", "frozen") == 1;
}

void ContextCgroup::freeze(Millis time) const {
  writeExisting(payload() + "/cgroup.freeze", "1");
  if (waitFor(payload(), time, [this] { return isFrozen(); })) return;
  writeExisting(payload() + "/cgroup.freeze", "0");
  throw Error(Kind::TimedOut, fmt::format("context '{}' did not freeze within {}: a task waits in "
                                          "the kernel",
                                          name_, formatDuration(time)));
}

void ContextCgroup::keepFrozen() const { writeExisting(payload() + "/cgroup.freeze", "1"); }

void ContextCgroup::thaw(Millis time) const {
  writeExisting(payload() + "/cgroup.freeze", "0");
  if (!waitFor(payload(), time, [this] { return !isFrozen(); }))
    throw Error(Kind::TimedOut,
                fmt::format("context '{}' did not thaw within {}", name_, formatDuration(time)));
}

std::vector<pid_t> ContextCgroup::dumpers() const {
  std::vector<pid_t> pids;
  if (vs::exists(monitor())) collectPids(monitor(), pids);
  std::erase_if(pids, [](pid_t pid) {
    const auto name = readFileIfExists(fmt::format("/proc/{}/comm", pid));
    return name != "criu\n" && name != "vsd-criu\n";
  });
  return pids;
}

bool ContextCgroup::isDumped() const { return !dumpers().empty(); }

void ContextCgroup::letDumpGoOn() const {
  for (const pid_t pid : dumpers()) ::kill(pid, SIGCONT);
}

void ContextCgroup::endDump(Millis time) const {
  const Deadline deadline = deadlineIn(time);
  for (std::vector<pid_t> left = dumpers(); !left.empty(); left = dumpers()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(Kind::TimedOut, fmt::format("criu of context '{}', process {}, does not end",
                                              name_, left.front()));
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(Millis(5));
  }
}

bool ContextCgroup::isPopulated() const {
  return keyedValue(payload() + "/cgroup.events", "populated") == 1;
}

std::vector<pid_t> ContextCgroup::pids() const {
  std::vector<pid_t> pids;
  visitTree(payload(), [&](const std::string& group) { collectPids(group, pids); });
  std::sort(pids.begin(), pids.end());
  return pids;
}

void ContextCgroup::kill(Millis time) const {
  if (!vs::exists(payload())) return;
  const std::string killFile = payload() + "/cgroup.kill";  // Linux 5.14
  const bool atOnce = vs::exists(killFile);
  const auto killAll = [&] {
    if (atOnce) return writeUnlessGone(killFile, "1");
    for (const pid_t pid : pids()) ::kill(pid, SIGKILL);
  };
  killAll();
  const bool gone = waitFor(payload(), time, [&] {
    if (!isPopulated()) return true;
    if (!atOnce) killAll();  // what was forked meanwhile
    return false;
  });
  if (!gone)
    throw Error(Kind::TimedOut, fmt::format("context '{}': processes {} did not die within {}",
                                            name_, fmt::join(pids(), ", "), formatDuration(time)))
        .withHint("they wait in the kernel, often for storage that is gone");
}

ResourceUsage ContextCgroup::usage() const {
  ResourceUsage usage;
  if (const auto memory = singleValue(payload() + "/memory.current")) usage.memory = Bytes{*memory};
  usage.pids = singleValue(payload() + "/pids.current");
  usage.cpuTime = keyedValue(payload() + "/cpu.stat", "usage_usec");
  return usage;
}

std::vector<GroupRecord> ContextCgroup::record(const IdRange& ids) const {
  std::vector<GroupRecord> groups;
  recordTree(payload(), "", ids, groups);
  return groups;
}

void ContextCgroup::makeGroups(const std::vector<GroupRecord>& groups, const IdRange& ids) const {
  for (const GroupRecord& group : groups) {
    if (group.path.empty()) continue;
    const std::string path = payload() + "/" + group.path;
    if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST)
      throw systemError(errno, fmt::format("create the cgroup '{}'", path));
    if (group.owner >= ids.count)
      throw invalid("the cgroup '{}' belongs to id {}, which no context has", group.path,
                    group.owner);
    chownIfThere(path, ids.first + group.owner);
    if (group.delegated) delegate(path, ids.first + group.owner);
  }
}

void ContextCgroup::divide(const std::vector<GroupRecord>& groups) const {
  for (const GroupRecord& group : groups) {
    const std::string path = group.path.empty() ? payload() : payload() + "/" + group.path;
    for (const auto& [file, value] : group.values)
      if (vs::exists(path + "/" + file)) writeExisting(path + "/" + file, value);
    const std::vector<std::string> available = controllersOf(path);
    for (const std::string& controller : group.controllers)
      if (has(available, controller))
        writeExisting(path + "/cgroup.subtree_control", "+" + controller);
  }
}

void ContextCgroup::place(const std::vector<GroupRecord>& groups) const {
  std::map<pid_t, const GroupRecord*> places;
  for (const GroupRecord& group : groups)
    for (const pid_t task : group.tasks) places[task] = &group;
  for (const pid_t pid : pids()) {
    const std::optional<pid_t> inside = idInside(pid);
    if (!inside) {  // not of the context: criu itself
      writeExisting(monitor() + "/cgroup.procs", std::to_string(pid));
      continue;
    }
    const auto found = places.find(*inside);
    if (found == places.end())
      throw failed("process {} of context '{}' was not there when it was saved", *inside, name_);
    writeExisting(payload() + "/" + found->second->path + "/cgroup.procs", std::to_string(pid));
  }
}

void ContextCgroup::remove() const {
  const Deadline deadline = deadlineIn(Millis(2000));
  std::string inTheWay;
  while (exists()) {
    inTheWay.clear();
    visitTree(scope_, [&](const std::string& group) {
      if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return;
      // EBUSY: a task is still being taken apart after its end was announced.
      if (errno != EBUSY && errno != ENOTEMPTY)
        throw systemError(errno, fmt::format("remove the cgroup '{}'", group));
      if (inTheWay.empty()) inTheWay = group;
    });
    if (inTheWay.empty()) return;
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(Kind::Busy,
                  fmt::format("cannot remove the cgroup '{}': a process lives in it", inTheWay));
    std::this_thread::sleep_for(Millis(5));
  }
}

std::vector<std::string> listContextCgroups(const std::string& root) {
  std::vector<std::string> names;
  for (const std::string& entry : listDirectory(root + "/" + kSlice)) {
    if (!entry.starts_with(kScopePrefix) || !entry.ends_with(kScopeSuffix)) continue;
    names.push_back(entry.substr(kScopePrefix.size(),
                                 entry.size() - kScopePrefix.size() - kScopeSuffix.size()));
  }
  return names;
}

}  // namespace vs
