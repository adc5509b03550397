// vsd-guest: builds one context and becomes the parent of its init ("run"), does so of one that
// criu restores ("resume"), starts one program in a running context and waits for it ("exec"), or
// puts criu into its cage ("criu"). Started only by vsd (vsd/kernel/launch.hpp), with the
// descriptors of vsd/kernel/boot_plan.hpp.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "vsd/guest/cage.hpp"
#include "vsd/guest/confine.hpp"
#include "vsd/guest/exec.hpp"
#include "vsd/guest/resume.hpp"
#include "vsd/guest/run.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace {

constexpr int kUsage = 2;

struct Mode {
  std::string_view name;
  int (*run)();
};
constexpr Mode kModes[] = {{"run", vs::guest::runMode},
                           {"resume", vs::guest::resumeMode},
                           {"exec", vs::guest::execMode},
                           {"criu", vs::guest::criuMode}};

int usage() {
  constexpr std::string_view kText = "vsd-guest is started by vsd, not by hand\n";
  return ::write(STDERR_FILENO, kText.data(), kText.size()) < 0 ? 1 : kUsage;
}

// What a system's first process starts with; a context inherits it.
void setLimits() {
  const rlimit files{1024, 512 * 1024};
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc >= 2 ? argv[1] : "";
  const auto found = std::ranges::find(kModes, mode, &Mode::name);
  if (found == std::end(kModes)) return usage();
  // Before anything else: no process of a context may ever trace us or look into us (DR8).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NAME, "vsd-guest", 0, 0, 0);
  vs::guest::resetSignals();
  setLimits();
  return found->run();
}
