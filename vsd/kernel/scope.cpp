#include "vsd/kernel/scope.hpp"

#include <fmt/core.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "vsd/base/error.hpp"
#include "vsd/base/log.hpp"

namespace vs {
namespace {

constexpr const char* kManager = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";

struct Unref {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using Bus = std::unique_ptr<sd_bus, Unref>;
using Message = std::unique_ptr<sd_bus_message, Unref>;
using Slot = std::unique_ptr<sd_bus_slot, Unref>;

// sd-bus functions return a negative errno.
int checkBus(int result, std::string_view what) {
  if (result < 0) throw systemError(-result, std::string(what));
  return result;
}

// An error of the other side with its D-Bus name, by which the caller may decide.
class BusError {
 public:
  BusError() = default;
  ~BusError() { sd_bus_error_free(&error_); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;

  sd_bus_error* get() { return &error_; }
  bool is(const char* name) const { return sd_bus_error_has_name(&error_, name) != 0; }
  Error asError(std::string_view what) const {
    if (is(SD_BUS_ERROR_TIMEOUT) || is(SD_BUS_ERROR_NO_REPLY))
      return Error(Kind::TimedOut, fmt::format("{}: systemd did not answer in time", what));
    return failed("{}: {}", what, error_.message != nullptr ? error_.message : "no reason given");
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

std::uint64_t microseconds(Millis time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1)) * 1000;
}

// A connection of our own for each task: sd-bus belongs to one thread, and these are rare.
Bus connect(Millis time) {
  sd_bus* raw = nullptr;
  checkBus(sd_bus_open_system(&raw), "connect to the system bus");
  Bus bus(raw);
  checkBus(sd_bus_set_method_call_timeout(raw, microseconds(time)), "set up the system bus");
  return bus;
}

Message newCall(sd_bus* bus, const char* method) {
  sd_bus_message* raw = nullptr;
  checkBus(
      sd_bus_message_new_method_call(bus, &raw, kManager, kManagerPath, kManagerInterface, method),
      "talk to systemd");
  return Message(raw);
}

// Follows systemd's jobs: JobRemoved says how one ended. To be made before the call that queues it.
class JobWatch {
 public:
  explicit JobWatch(sd_bus* bus) : bus_(bus) {
    sd_bus_slot* raw = nullptr;
    // Without waiting for the bus to say yes: it takes our messages in the order we send them.
    checkBus(sd_bus_match_signal_async(bus, &raw, kManager, kManagerPath, kManagerInterface,
                                       "JobRemoved", &JobWatch::onRemoved, nullptr, this),
             "follow systemd's jobs");
    slot_.reset(raw);
  }
  JobWatch(const JobWatch&) = delete;
  JobWatch& operator=(const JobWatch&) = delete;

  // The result of the job ("done", "failed", ...). Throws TimedOut.
  std::string wait(const std::string& job, Deadline deadline, std::string_view what) {
    for (;;) {
      for (const auto& [path, result] : ended_)
        if (path == job) return result;
      const int processed = checkBus(sd_bus_process(bus_, nullptr), what);
      if (processed > 0) continue;
      const auto left =
          std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0)
        throw Error(Kind::TimedOut, fmt::format("{}: systemd's job did not end in time", what));
      checkBus(sd_bus_wait(bus_, microseconds(left)), what);
    }
  }

 private:
  struct Ended {
    std::string path;
    std::string result;
  };

  static int onRemoved(sd_bus_message* message, void* self, sd_bus_error*) noexcept {
    std::uint32_t id = 0;
    const char* path = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0)
      static_cast<JobWatch*>(self)->ended_.push_back({path, result});
    return 0;
  }

  sd_bus* bus_;
  Slot slot_;
  std::vector<Ended> ended_;
};

std::string jobIn(sd_bus_message* reply) {
  const char* path = nullptr;
  checkBus(sd_bus_message_read(reply, "o", &path), "read systemd's answer");
  return path;
}

// Asks for a job on a unit and waits for it; false when systemd knows no such unit.
bool runJob(sd_bus* bus, const char* method, const std::string& unit, Deadline deadline) {
  const std::string what = fmt::format("{} '{}'", method, unit);
  JobWatch jobs(bus);
  BusError error;
  sd_bus_message* raw = nullptr;
  const int result = sd_bus_call_method(bus, kManager, kManagerPath, kManagerInterface, method,
                                        error.get(), &raw, "ss", unit.c_str(), "replace");
  const Message reply(raw);
  if (result < 0 && error.is("org.freedesktop.systemd1.NoSuchUnit")) return false;
  if (result < 0) throw error.asError(what);
  jobs.wait(jobIn(reply.get()), deadline, what);
  return true;
}

void resetFailed(sd_bus* bus, const std::string& unit) {
  // Not loaded is what we want it to be.
  sd_bus_call_method(bus, kManager, kManagerPath, kManagerInterface, "ResetFailedUnit", nullptr,
                     nullptr, "s", unit.c_str());
}

Message scopeCall(sd_bus* bus, const std::string& context, pid_t pid) {
  Message call = newCall(bus, "StartTransientUnit");
  const std::string description = fmt::format("vsd context {}", context);
  // CollectMode: a scope that failed does not stay in memory under a name we need again. Before,
  // After: when the host goes down, vsd-contexts.service shuts contexts down cleanly while vsd
  // serves it, and only then does systemd end what is left of their scopes.
  // clang-format off
  checkBus(sd_bus_message_append(
               call.get(), "ssa(sv)a(sa(sv))", scopeUnitOf(context).c_str(), "fail", 8,
               "Description", "s", description.c_str(),
               "Slice", "s", "vs.slice",
               "PIDs", "au", 1, static_cast<std::uint32_t>(pid),
               "Delegate", "b", 1,
               "TasksMax", "t", std::uint64_t{UINT64_MAX},
               "CollectMode", "s", "inactive-or-failed",
               "Before", "as", 1, "vsd-contexts.service",
               "After", "as", 1, "vsd.service",
               0),
           "describe a scope");
  // clang-format on
  return call;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::array<std::uint8_t, 16> bytesOfUuid(const std::string& uuid) {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t digits = 0;
  for (const char c : uuid) {
    const int digit = hexDigit(c);
    if (digit < 0) continue;
    if (digits == 32) break;
    bytes[digits / 2] = static_cast<std::uint8_t>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  return bytes;
}

}  // namespace

bool isSystemdHost() { return sd_booted() > 0; }

std::string scopeUnitOf(const std::string& context) { return fmt::format("vs-{}.scope", context); }

void startScope(const std::string& context, pid_t pid, Millis time) {
  const Deadline deadline = deadlineIn(time);
  const std::string what = fmt::format("start the scope of context '{}'", context);
  const Bus bus = connect(time);
  JobWatch jobs(bus.get());
  const Message call = scopeCall(bus.get(), context, pid);
  BusError error;
  sd_bus_message* raw = nullptr;
  const int result = sd_bus_call(bus.get(), call.get(), 0, error.get(), &raw);
  const Message reply(raw);
  if (result < 0 && error.is("org.freedesktop.systemd1.UnitExists"))
    throw Error(Kind::Exists, fmt::format("{}: it is active already", what))
        .withHint(fmt::format("systemctl stop {}", scopeUnitOf(context)));
  if (result < 0) throw error.asError(what);
  const std::string end = jobs.wait(jobIn(reply.get()), deadline, what);
  if (end != "done") throw failed("{}: systemd says '{}'", what, end);
}

void stopScope(const std::string& context, Millis time) {
  const Deadline deadline = deadlineIn(time);
  const Bus bus = connect(time);
  runJob(bus.get(), "StopUnit", scopeUnitOf(context), deadline);
  resetFailed(bus.get(), scopeUnitOf(context));
}

void registerMachine(const Machine& machine, Millis time) {
  try {
    const Bus bus = connect(time);
    const std::array<std::uint8_t, 16> id = bytesOfUuid(machine.uuid);
    sd_bus_message* raw = nullptr;
    checkBus(sd_bus_message_new_method_call(bus.get(), &raw, "org.freedesktop.machine1",
                                            "/org/freedesktop/machine1",
                                            "org.freedesktop.machine1.Manager", "RegisterMachine"),
             "talk to systemd-machined");
    const Message call(raw);
    checkBus(sd_bus_message_append(call.get(), "s", machine.name.c_str()), "name a machine");
    checkBus(sd_bus_message_append_array(call.get(), 'y', id.data(), id.size()), "name a machine");
    checkBus(sd_bus_message_append(call.get(), "ssus", "vsd", "container",
                                   static_cast<std::uint32_t>(machine.leader),
                                   machine.rootDirectory.c_str()),
             "name a machine");
    BusError error;
    if (sd_bus_call(bus.get(), call.get(), 0, error.get(), nullptr) < 0)
      throw error.asError("register the machine");
  } catch (const Error& error) {
    log::info("context '{}' is not known to systemd-machined: {}, ignoring", machine.name,
              error.text());
  }
}

}  // namespace vs
