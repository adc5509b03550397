#include "vsd/kernel/device_mapper.hpp"

#include <fcntl.h>
#include <libdevmapper.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/units.hpp"

namespace vs::dm {
namespace {

constexpr std::string_view kUuidPrefix = "VSD-";
constexpr std::uint64_t kSector = 512;
constexpr Millis kRemoveTime{5'000};
// The node below /dev/mapper is udev's to make; what is on the device is nobody's business.
constexpr std::uint16_t kUdevFlags =
    DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG |
    DM_UDEV_DISABLE_OTHER_RULES_FLAG | DM_UDEV_DISABLE_LIBRARY_FALLBACK;

std::mutex& library() {
  static std::mutex mutex;
  return mutex;
}

thread_local std::string lastWords;  // what the library would have printed

void keepWords(int level, const char*, int, int, const char* format, ...) {
  if (level > 3) return;  // errors only (LOG_ERR)
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lastWords = text;
}

class Task {
 public:
  Task(int kind, const std::string& name, std::string_view intent)
      : name_(name), intent_(intent), handle_(nullptr, ::dm_task_destroy) {
    static const bool once = [] {
      ::dm_log_with_errno_init(keepWords);
      // The nodes we use are the kernel's own (devtmpfs): there is nothing to wait for.
      ::dm_udev_set_sync_support(0);
      ::dm_hold_control_dev(1);
      return true;
    }();
    static_cast<void>(once);
    lastWords.clear();
    handle_.reset(::dm_task_create(kind));
    need(handle_ != nullptr);
    if (!name.empty()) need(::dm_task_set_name(get(), name.c_str()));
    ::dm_task_no_open_count(get());
  }

  dm_task* get() const { return handle_.get(); }

  Task& withUuid() {
    need(::dm_task_set_uuid(get(), (std::string(kUuidPrefix) + name_).c_str()));
    return *this;
  }
  Task& withTarget(std::uint64_t sectors, const char* type, const std::string& parameters) {
    need(::dm_task_add_target(get(), 0, sectors, type, parameters.c_str()));
    return *this;
  }
  Task& withUdevFlags() {
    std::uint32_t cookie = 0;
    need(::dm_task_set_cookie(get(), &cookie, kUdevFlags));
    return *this;
  }
  Task& withMessage(const std::string& text) {
    need(::dm_task_set_sector(get(), 0));
    need(::dm_task_set_message(get(), text.c_str()));
    return *this;
  }
  Task& withNumber(dev_t number) {
    need(::dm_task_set_major(get(), static_cast<int>(::major(number))));
    need(::dm_task_set_minor(get(), static_cast<int>(::minor(number))));
    return *this;
  }
  // False: the kernel refused; error() says how.
  bool tryRun() { return ::dm_task_run(get()) != 0; }
  void run() { need(tryRun()); }
  int error() const { return ::dm_task_get_errno(get()); }
  dm_info info() const {
    dm_info found{};
    need(::dm_task_get_info(get(), &found));
    return found;
  }

 private:
  template <typename Result>
  void need(Result result) const {
    if (result) return;
    const int number = handle_ ? ::dm_task_get_errno(handle_.get()) : 0;
    const std::string why = lastWords.empty() ? "" : ": " + lastWords;
    const std::string what = fmt::format("{} device '{}'{}", intent_, name_, why);
    if (number != 0) throw systemError(number, what);
    throw failed("{}", what);
  }

  std::string name_;
  std::string intent_;
  std::unique_ptr<dm_task, decltype(&::dm_task_destroy)> handle_;
};

struct Below {
  dev_t number;
  std::uint64_t sectors;
};

Below look(const std::string& path) {
  const Fd fd = openFile(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  check(::fstat(fd.get(), &status), "look at '{}'", path);
  if (!S_ISBLK(status.st_mode)) throw failed("'{}' is no block device", path);
  std::uint64_t bytes = 0;
  check(::ioctl(fd.get(), BLKGETSIZE64, &bytes), "ask for the size of '{}'", path);
  return {status.st_rdev, bytes / kSector};
}

std::string startOf(const Below& below) {
  return fmt::format("{}:{} 0", ::major(below.number), ::minor(below.number));
}

bool isOurs(const Task& task) {
  const char* uuid = ::dm_task_get_uuid(task.get());
  return uuid != nullptr && std::string_view(uuid).starts_with(kUuidPrefix);
}

std::optional<Device> findNow(const std::string& name) {
  Task task(DM_DEVICE_INFO, name, "look at");
  task.run();
  const dm_info info = task.info();
  if (!info.exists) return std::nullopt;
  if (!isOurs(task))
    throw Error(Kind::Exists, fmt::format("device '{}' is not one of vsd's", name))
        .withHint(fmt::format("rename it with 'dmsetup rename {} NEW'", name));
  return Device{name, ::makedev(info.major, info.minor), info.open_count};
}

void suspend(const std::string& name, UnderWay underWay) {
  Task task(DM_DEVICE_SUSPEND, name, "suspend");
  ::dm_task_skip_lockfs(task.get());
  if (underWay == UnderWay::Fail) ::dm_task_no_flush(task.get());
  task.run();
}

void resume(const std::string& name) {
  Task(DM_DEVICE_RESUME, name, "resume").withUdevFlags().run();
}

void load(const std::string& name, std::uint64_t sectors, const char* type,
          const std::string& parameters) {
  Task(DM_DEVICE_RELOAD, name, "load a table for").withTarget(sectors, type, parameters).run();
}

struct Target {
  std::uint64_t sectors = 0;
  std::string type;
  std::string parameters;
};

// The first of a device: ours have no other.
Target targetOf(const std::string& name) {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  char* type = nullptr;
  char* parameters = nullptr;
  Task table(DM_DEVICE_TABLE, name, "read the table of");
  table.run();
  ::dm_get_next_target(table.get(), nullptr, &start, &length, &type, &parameters);
  return {start + length, type == nullptr ? "" : type, parameters == nullptr ? "" : parameters};
}

// What the first target of the device of a DM_DEVICE_TABLE task lies on.
std::optional<dev_t> belowOf(Task& task) {
  if (!task.tryRun()) {
    if (task.error() == ENXIO) return std::nullopt;
    throw systemError(task.error(), "read the table of a device");
  }
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  char* type = nullptr;
  char* parameters = nullptr;
  ::dm_get_next_target(task.get(), nullptr, &start, &length, &type, &parameters);
  unsigned major = 0;
  unsigned minor = 0;
  if (parameters == nullptr || std::sscanf(parameters, "%u:%u", &major, &minor) != 2)
    return std::nullopt;
  return ::makedev(major, minor);
}

std::vector<std::string> namesWith(const std::string& prefix) {
  Task task(DM_DEVICE_LIST, "", "list");
  task.run();
  std::vector<std::string> names;
  const dm_names* entry = ::dm_task_get_names(task.get());
  while (entry != nullptr && entry->dev != 0) {
    if (std::string_view(entry->name).starts_with(prefix)) names.emplace_back(entry->name);
    if (entry->next == 0) break;
    entry = reinterpret_cast<const dm_names*>(reinterpret_cast<const char*>(entry) + entry->next);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string pathOf(dev_t number) { return fmt::format("/dev/dm-{}", ::minor(number)); }

std::optional<dev_t> numberOf(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_INFO, name, "look at");
  task.run();
  const dm_info info = task.info();
  return info.exists ? std::optional(::makedev(info.major, info.minor)) : std::nullopt;
}

std::optional<Device> find(const std::string& name) {
  const std::lock_guard lock(library());
  return findNow(name);
}

void message(const std::string& name, const std::string& text) {
  const std::lock_guard lock(library());
  Task(DM_DEVICE_TARGET_MSG, name, fmt::format("send '{}' to", text)).withMessage(text).run();
}

std::vector<std::string> resumeAll(const std::string& prefix) {
  const std::lock_guard lock(library());
  std::vector<std::string> resumed;
  for (const std::string& name : namesWith(prefix)) {
    Task one(DM_DEVICE_INFO, name, "look at");
    one.run();
    if (!one.info().exists || !one.info().suspended) continue;
    resume(name);
    resumed.push_back(name);
  }
  return resumed;
}

Device createLinear(const std::string& name, const std::string& below) {
  const Below found = look(below);
  const std::lock_guard lock(library());
  if (findNow(name)) throw Error(Kind::Exists, fmt::format("device '{}' exists already", name));
  Task(DM_DEVICE_CREATE, name, "create")
      .withUuid()
      .withTarget(found.sectors, "linear", startOf(found))
      .withUdevFlags()
      .run();
  return findNow(name).value();
}

void reloadLinear(const std::string& name, const std::string& below) {
  const Below found = look(below);
  const std::lock_guard lock(library());
  if (!findNow(name)) throw Error(Kind::NotFound, fmt::format("there is no device '{}'", name));
  load(name, found.sectors, "linear", startOf(found));
  suspend(name, UnderWay::Wait);
  resume(name);
}

bool removeUnused(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_REMOVE, name, "remove");
  task.withUdevFlags();
  if (task.tryRun()) return true;
  if (task.error() == ENXIO || task.error() == EBUSY) return false;
  throw systemError(task.error(), fmt::format("remove device '{}'", name));
}

void wipe(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_INFO, name, "look at");
  task.run();
  if (!task.info().exists) return;
  load(name, targetOf(name).sectors, "error", "");
  suspend(name, UnderWay::Fail);
  resume(name);
}

std::optional<PoolUse> poolUse(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_STATUS, name, "ask for the state of");
  ::dm_task_no_flush(task.get());  // without it the pool would be made to write
  if (!task.tryRun() || !task.info().exists) return std::nullopt;
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  char* type = nullptr;
  char* state = nullptr;
  ::dm_get_next_target(task.get(), nullptr, &start, &length, &type, &state);
  if (type == nullptr || state == nullptr || std::string_view(type) != "thin-pool")
    return std::nullopt;
  unsigned long long metadata[2] = {};
  unsigned long long data[2] = {};
  char mode[32] = {};
  if (std::sscanf(state, "%*u %llu/%llu %llu/%llu %*s %31s", &metadata[0], &metadata[1], &data[0],
                  &data[1], mode) != 5 ||
      metadata[1] == 0 || data[1] == 0)
    return std::nullopt;
  const auto percent = [](const unsigned long long(&part)[2]) {
    return 100.0 * static_cast<double>(part[0]) / static_cast<double>(part[1]);
  };
  const dm_info info = task.info();
  return PoolUse{::makedev(info.major, info.minor),
                 percent(data),
                 percent(metadata),
                 Bytes{length * kSector / data[1] * (data[1] - data[0])},
                 mode,
                 std::string_view(state).find("needs_check") != std::string_view::npos};
}

std::optional<ThinVolume> thinVolume(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_INFO, name, "look at");
  task.run();
  if (!task.info().exists) return std::nullopt;
  const Target target = targetOf(name);
  unsigned long long id = 0;
  unsigned major = 0;
  unsigned minor = 0;
  const int fields =
      std::sscanf(target.parameters.c_str(), "%*u:%*u %llu %u:%u", &id, &major, &minor);
  if (target.type != "thin" || fields < 1) return std::nullopt;
  return ThinVolume{id, fields == 3 ? std::optional(::makedev(major, minor)) : std::nullopt};
}

std::string nameOf(dev_t number) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_INFO, "", "look at a");
  if (!task.withNumber(number).tryRun() || !task.info().exists) return "";
  return ::dm_task_get_name(task.get());
}

std::optional<dev_t> below(const std::string& name) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_TABLE, name, "read the table of");
  return belowOf(task);
}

std::optional<dev_t> below(dev_t number) {
  const std::lock_guard lock(library());
  Task task(DM_DEVICE_TABLE, "", "read the table of a");
  return belowOf(task.withNumber(number));
}

void replaceByError(const std::string& name, UnderWay underWay) {
  const std::lock_guard lock(library());
  if (!findNow(name)) return;
  load(name, targetOf(name).sectors, "error", "");
  suspend(name, underWay);
  resume(name);
}

bool isCutOff(const std::string& name) {
  const std::lock_guard lock(library());
  return findNow(name) && targetOf(name).type == "error";
}

std::vector<std::string> list(const std::string& prefix) {
  const std::lock_guard lock(library());
  return namesWith(prefix);
}

void remove(const std::string& name) {
  const Deadline deadline = deadlineIn(kRemoveTime);
  while (true) {
    {
      const std::lock_guard lock(library());
      if (!findNow(name)) return;
      Task task(DM_DEVICE_REMOVE, name, "remove");
      task.withUdevFlags();
      if (task.tryRun() || task.error() == ENXIO) return;
      if (task.error() != EBUSY)
        throw systemError(task.error(), fmt::format("remove device '{}'", name));
    }
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(Kind::Busy, fmt::format("device '{}' is in use", name))
          .withHint("find its user with 'lsblk' and 'lsof', then try again");
    std::this_thread::sleep_for(Millis(20));
  }
}

}  // namespace vs::dm
