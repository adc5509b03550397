// Snapshots that a context's schedule has taken: setting the schedule, showing it, and what is done
// when one is due. Who looks at the clock is vsd/schedules.hpp.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

// One period of a schedule as it stands.
struct Rule {
  Period period = Period::Hourly;
  int keep = 0;
  int kept = 0;        // how many there are
  std::string newest;  // when that was taken, RFC 3339; empty: none is there
  Moment next;
};
std::vector<Rule> showSchedule(const Host& host, const std::string& name);

// An empty schedule ends it; what it has made stays. Throws NotFound, Unsupported (the storage has
// no snapshots).
std::vector<std::string> planSchedule(const Host& host, const std::string& name,
                                      const Schedule& schedule);
void setSchedule(const Host& host, const std::string& name, const Schedule& schedule,
                 Operation& operation);

// Whether there is anything to take or to remove at this moment. Throws what keeps it from being
// known.
bool hasScheduledWork(const Host& host, const ContextPicture& context);
// Takes what is due, removes what has expired: only what schedules have made, and only what is
// beyond the number that is kept, so that a snapshot that cannot be taken costs none.
void runSchedule(const Host& host, const std::string& name, Operation& operation);
// Remembers why a snapshot that is due is not there, and logs it when that is news.
void noteScheduleTrouble(const Host& host, const std::string& name, const std::string& trouble);

}  // namespace vs
