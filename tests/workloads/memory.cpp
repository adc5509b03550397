// Pages: written at random all the time, each with a sum of what it holds.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "tests/workloads/workload.hpp"

namespace vs::workload {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = 4096;  // 16 MiB

void fill(std::uint8_t* page, std::uint64_t seed) {
  for (std::size_t i = 0; i < kPage; ++i) page[i] = byteAt(seed + i);
}

bool holds(const std::uint8_t* page, std::uint64_t seed) {
  for (std::size_t i = 0; i < kPage; ++i)
    if (page[i] != byteAt(seed + i)) return false;
  return true;
}

std::uint8_t* mapPages(int flags, int fd = -1) {
  void* const address = ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, flags, fd, 0);
  must(address != MAP_FAILED, "map pages");
  return static_cast<std::uint8_t*>(address);
}

// A pseudo random walk over the pages; `seeds` says what each holds.
void walk(std::uint8_t* pages, std::vector<std::uint64_t>& seeds, std::uint64_t& turn) {
  for (int i = 0; i < 64; ++i) {
    const std::size_t written = (++turn * 48271) % kPages;
    must(seeds[written] == 0 || holds(pages + written * kPage, seeds[written]),
         "a page has lost what it held");
    seeds[written] = turn;
    fill(pages + written * kPage, turn);
  }
}

}  // namespace

void memory(const std::string&, const std::function<void()>& ready) {
  std::uint8_t* const pages = mapPages(MAP_PRIVATE | MAP_ANONYMOUS);
  std::vector<std::uint64_t> seeds(kPages);
  std::uint64_t turn = 0;
  ready();
  repeat(2, [&] { walk(pages, seeds, turn); });
  for (std::size_t page = 0; page < kPages; ++page)
    must(seeds[page] == 0 || holds(pages + page * kPage, seeds[page]),
         "a page has lost what it held, in the end");
}

// A child writes what the parent reads: anonymous shared pages, and those of a file.
void sharedMemory(const std::string& directory, const std::function<void()>& ready) {
  const std::string path = directory + "/mapped";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  must(::ftruncate(file, kPages * kPage), "make the mapped file larger");
  std::uint8_t* const anonymous = mapPages(MAP_SHARED | MAP_ANONYMOUS);
  std::uint8_t* const mapped = mapPages(MAP_SHARED, file);
  auto* const count = reinterpret_cast<std::atomic<std::uint64_t>*>(anonymous);
  const pid_t child = must(::fork(), "fork");
  if (child == 0) {
    for (std::uint64_t next = 1;; ++next) {
      const std::size_t page = 1 + next % (kPages - 1);
      fill(anonymous + page * kPage, next);
      fill(mapped + page * kPage, next);
      count->store(next);
      pauseFor(1);
    }
  }
  ready();
  std::uint64_t before = 0;
  repeat(20, [&] {
    const std::uint64_t now = count->load();
    must(now >= before, "the count of the child has gone back");
    before = now;
    if (now == 0) return;
    const std::size_t page = 1 + now % (kPages - 1);
    must(holds(anonymous + page * kPage, now), "a shared page is not what the child wrote");
    must(holds(mapped + page * kPage, now), "a page of the file is not what the child wrote");
  });
  const std::uint64_t now = count->load();
  pauseFor(200);
  must(count->load() > now, "the child does not go on");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace vs::workload
