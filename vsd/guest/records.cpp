#include "vsd/guest/records.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "vsd/base/error.hpp"
#include "vsd/base/file.hpp"
#include "vsd/base/process.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {
namespace {

// The kernel tells a reboot(2) inside a pid namespace by the signal that ends its process 1
// (reboot(2), "Behavior inside PID namespaces").
EndedRecord recordOf(int waitStatus) {
  EndedRecord record{.at = ::time(nullptr)};
  if (WIFEXITED(waitStatus)) {
    record.value = WEXITSTATUS(waitStatus);
    return record;
  }
  record.value = WTERMSIG(waitStatus);
  record.how = record.value == SIGHUP   ? EndedRecord::How::Reboot
               : record.value == SIGINT ? EndedRecord::How::Halt
                                        : EndedRecord::How::Killed;
  return record;
}

}  // namespace

void writeRunning(const std::string& stateDirectory, pid_t init) {
  const RunningRecord record{.guest = ::getpid(),
                             .guestStart = startTimeOf(::getpid()).value_or(0),
                             .init = init,
                             .initStart = startTimeOf(init).value_or(0),
                             .bootId = bootId(),
                             .since = ::time(nullptr)};
  writeAtomic(stateDirectory + "/running", encode(record));
}

void writeEnded(const std::string& stateDirectory, int waitStatus) {
  writeAtomic(stateDirectory + "/ended", encode(recordOf(waitStatus)));
}

}  // namespace vs::guest
