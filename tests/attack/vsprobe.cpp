#include "tests/attack/vsprobe.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vs::probe {

void say(const std::string& name, const std::string& answer) {
  std::printf("%s %s\n", name.c_str(), answer.c_str());
  std::fflush(stdout);
}

std::string nameOf(int errnoValue) {
  const char* const name = ::strerrorname_np(errnoValue);
  return name != nullptr ? name : std::to_string(errnoValue);
}

std::string answerTo(long result) { return result >= 0 ? "ok" : nameOf(errno); }

namespace {

// The kernel's magic numbers of reboot(2), not through the C library: RB_AUTOBOOT.
void reboot() {
  constexpr unsigned kMagic = 0xfee1dead, kMagic2 = 672274793, kRestart = 0x01234567;
  say("reboot", answerTo(::syscall(SYS_reboot, kMagic, kMagic2, kRestart, nullptr)));
}

int run(const char* verb, int count, char** words) {
  const auto is = [&](const char* name, int wanted) {
    return std::strcmp(verb, name) == 0 && count == wanted;
  };
  if (is("calls", 0)) return calls(), 0;
  if (is("abis", 0)) return abis(), 0;
  if (is("families", 0)) return families(), 0;
  if (is("high-bits", 0)) return highBits(), 0;
  if (is("spaces", 0)) return spaces(), 0;
  if (is("enter", 1)) return enter(std::atoi(words[0])), 0;
  if (is("processes", 2)) return processes(std::atoi(words[0]), std::atoi(words[1])), 0;
  if (is("forks", 1)) return forks(std::atoi(words[0])), 0;
  if (is("reboot", 0)) return reboot(), 0;
  if (is("mounts", 0)) return mounts(), 0;
  if (is("above", 0)) return above(), 0;
  if (is("nodes", 1)) return nodes(words[0]), 0;
  if (is("make-nodes", 1)) return makeNodes(words[0]), 0;
  if (is("readable", 1)) return readable(words[0]), 0;
  if (is("writable", 1)) return writable(words[0]), 0;
  if (is("watch", 1)) return watch(std::atoi(words[0])), 0;
  if (is("exchange", 3)) return exchange(words[0], words[1], std::atoi(words[2])), 0;
  if (is("frame", 2)) return frame(words[0], words[1]), 0;
  if (is("listen", 2)) return listen(words[0], std::atoi(words[1])), 0;
  if (is("flood", 2)) return flood(words[0], std::atoi(words[1])), 0;
  std::fprintf(stderr, "vsprobe: no probe '%s' with %d arguments\n", verb, count);
  return 2;
}

}  // namespace
}  // namespace vs::probe

int main(int argc, char** argv) {
  return argc < 2 ? 2 : vs::probe::run(argv[1], argc - 2, argv + 2);
}
