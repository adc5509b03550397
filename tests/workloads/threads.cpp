// Threads and what they wait for, timers and clocks.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

struct Shared {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
  std::uint64_t turn = 0;
  std::atomic<bool> end = false;
};

constexpr std::uint64_t kThreads = 8;

struct Member {
  Shared* shared = nullptr;
  std::uint64_t number = 0;
  std::uint64_t turns = 0;
  pthread_t thread{};
};

thread_local std::uint64_t ownNumber = 0;

// Waits for its turn, round robin: one that is lost stops all.
void* takeTurns(void* argument) {
  auto* const self = static_cast<Member*>(argument);
  ownNumber = self->number;
  Shared& shared = *self->shared;
  ::pthread_mutex_lock(&shared.mutex);
  while (!shared.end) {
    while (shared.turn % kThreads != self->number && !shared.end)
      ::pthread_cond_wait(&shared.turned, &shared.mutex);
    must(ownNumber == self->number, "a thread has lost its own variable");
    ++shared.turn;
    ++self->turns;
    ::pthread_cond_broadcast(&shared.turned);
  }
  ::pthread_mutex_unlock(&shared.mutex);
  return nullptr;
}

// A robust mutex whose owner, another process, has died with it before and is not unlocked yet.
pthread_mutex_t* orphanedMutex() {
  void* const page =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(page != MAP_FAILED, "map a page");
  auto* const mutex = static_cast<pthread_mutex_t*>(page);
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutex_init(mutex, &attributes);
  const pid_t child = must(::fork(), "fork");
  if (child == 0) {
    ::pthread_mutex_lock(mutex);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return mutex;
}

std::int64_t nanosOf(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

std::atomic<int> ticks{0};

}  // namespace

void threads(const std::string&, const std::function<void()>& ready) {
  Shared shared;
  std::array<Member, kThreads> members;
  pthread_mutex_t* const orphaned = orphanedMutex();
  for (std::uint64_t i = 0; i < kThreads; ++i) {
    members[i].shared = &shared;
    members[i].number = i;
    must(::pthread_create(&members[i].thread, nullptr, takeTurns, &members[i]) == 0,
         "create a thread");
  }
  ready();
  std::uint64_t before = 0;
  int idle = 0;
  repeat(100, [&] {
    ::pthread_mutex_lock(&shared.mutex);
    const std::uint64_t now = shared.turn;
    ::pthread_mutex_unlock(&shared.mutex);
    // The pause before this look may have been over when all was resumed.
    idle = now > before ? 0 : idle + 1;
    must(idle < 30, "no thread takes its turn any more");
    before = now;
  });
  shared.end = true;
  ::pthread_mutex_lock(&shared.mutex);
  ::pthread_cond_broadcast(&shared.turned);
  ::pthread_mutex_unlock(&shared.mutex);
  std::uint64_t sum = 0;
  for (Member& member : members) {
    ::pthread_join(member.thread, nullptr);
    sum += member.turns;
  }
  must(sum == shared.turn, "turns were lost or taken twice");
  must(::pthread_mutex_lock(orphaned) == EOWNERDEAD, "a robust mutex has forgotten its dead owner");
}

void timers(const std::string&, const std::function<void()>& ready) {
  const int descriptor = must(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "make a timerfd");
  const itimerspec period{{0, 20'000'000}, {0, 20'000'000}};
  must(::timerfd_settime(descriptor, 0, &period, nullptr), "set a timerfd");
  struct sigaction action {};
  action.sa_handler = [](int) { ++ticks; };
  action.sa_flags = SA_RESTART;
  must(::sigaction(SIGUSR1, &action, nullptr), "handle a signal");
  must(::sigaction(SIGALRM, &action, nullptr), "handle a signal");
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  timer_t timer{};
  must(::timer_create(CLOCK_BOOTTIME, &event, &timer), "create a timer");
  must(::timer_settime(timer, 0, &period, nullptr), "set a timer");
  const itimerval interval{{0, 50'000}, {0, 50'000}};
  must(::setitimer(ITIMER_REAL, &interval, nullptr), "set an interval timer");

  std::array<std::int64_t, 2> before{};
  std::uint64_t expired = 0;
  ready();
  repeat(10, [&] {
    const std::array clocks{nanosOf(CLOCK_MONOTONIC), nanosOf(CLOCK_BOOTTIME)};
    for (std::size_t i = 0; i < clocks.size(); ++i)
      must(clocks[i] >= before[i],
           i == 0 ? "the monotonic clock has gone back" : "the clock since boot has gone back");
    before = clocks;
    std::uint64_t count = 0;
    if (::read(descriptor, &count, sizeof count) == sizeof count) expired += count;
  });
  must(expired > 0, "the timerfd never expired");
  const int heard = ticks;
  std::uint64_t count = 0;
  for (int i = 0; i < 100 && (ticks == heard || count == 0); ++i) {
    pauseFor(20);
    std::uint64_t more = 0;
    if (::read(descriptor, &more, sizeof more) == sizeof more) count += more;
  }
  must(ticks > heard, "timers do not signal any more");
  must(count > 0, "the timerfd does not expire any more");
}

}  // namespace vs::workload
