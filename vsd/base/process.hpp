// A process held by pidfd and recognised by its start time, so that a recycled pid is never
// mistaken for it (pidfd_open(2); field 22 of proc_pid_stat(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/base/units.hpp"

namespace vs {

// Start time of a process in clock ticks since boot; nullopt when there is no such process.
std::optional<std::uint64_t> startTimeOf(pid_t pid);
// The kernel's boot id: start times compare only within one boot.
std::string bootId();
// This host among others: gethostname(2).
std::string hostName();

class Process {
 public:
  // The living process `pid` that started at `startTime`; nullopt when it is gone or another one.
  static std::optional<Process> find(pid_t pid, std::uint64_t startTime);
  // A process just made by us.
  Process(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid() const { return pid_; }
  int fd() const { return pidfd_.get(); }
  bool isAlive() const;
  // Sends a signal (pidfd_send_signal(2)); a process already gone is success.
  void signal(int number) const;
  // True when the process ended before the time was over. Does not reap it.
  bool waitEnd(Millis time) const;

 private:
  pid_t pid_;
  Fd pidfd_;
};

}  // namespace vs
