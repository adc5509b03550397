// Small programs that do one thing which a checkpoint must carry over, and check it themselves all
// the time. Each writes DIRECTORY/NAME.ready when it has begun, and in the end, told by SIGTERM,
// DIRECTORY/NAME.result: "PASS", or "FAIL" and what was wrong. One that finds something wrong says
// so at once and ends.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace vs::workload {

// Ends the program as failed; errno is said with `what`.
[[noreturn]] void fail(const std::string& what);
// Fails unless it holds.
template <std::same_as<bool> Bool>
void must(Bool holds, const std::string& what) {
  if (!holds) fail(what);
}
// The same for system calls: returns the result, which must not be negative.
template <std::signed_integral Result>
Result must(Result result, const std::string& what) {
  if (result < 0) fail(what);
  return result;
}

// True from SIGTERM on.
bool isOver();
// Calls `step` until it is over, with a pause of some milliseconds between.
void repeat(int pauseMillis, const std::function<void()>& step);
void pauseFor(int millis);

// The bytes of a sequence that begins anywhere.
std::uint8_t byteAt(std::uint64_t position);

struct Workload {
  const char* name;
  // Prepares, says that it is ready, works until it is over, and checks a last time.
  void (*run)(const std::string& directory, const std::function<void()>& ready);
};

void memory(const std::string& directory, const std::function<void()>& ready);
void sharedMemory(const std::string& directory, const std::function<void()>& ready);
void threads(const std::string& directory, const std::function<void()>& ready);
void timers(const std::string& directory, const std::function<void()>& ready);
void pipes(const std::string& directory, const std::function<void()>& ready);
void unixSockets(const std::string& directory, const std::function<void()>& ready);
void events(const std::string& directory, const std::function<void()>& ready);
void files(const std::string& directory, const std::function<void()>& ready);
void terminal(const std::string& directory, const std::function<void()>& ready);
void tcp(const std::string& directory, const std::function<void()>& ready);
void udp(const std::string& directory, const std::function<void()>& ready);
void ipc(const std::string& directory, const std::function<void()>& ready);
void credentials(const std::string& directory, const std::function<void()>& ready);
void mounts(const std::string& directory, const std::function<void()>& ready);
void processes(const std::string& directory, const std::function<void()>& ready);

// What a process can hold (held.cpp): of all, and begun in this process, which keeps it from then
// on.
std::vector<std::string> heldNames();
bool hold(const std::string& name, const std::string& directory);  // false: no such name

}  // namespace vs::workload
