#include "vsd/kernel/cgroup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
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

void ContextCgroup::thaw(Millis time) const {
  writeExisting(payload() + "/cgroup.freeze", "0");
  if (!waitFor(payload(), time, [this] { return !isFrozen(); }))
    throw Error(Kind::TimedOut,
                fmt::format("context '{}' did not thaw within {}", name_, formatDuration(time)));
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
