// The cage of criu (DR3): a mount namespace whose root is an empty tmpfs with the host's /usr to be
// read, new /proc and /sys, and what else it was given. Whatever an image makes criu mount or open
// by a path is in here, never on the host.
#pragma once

#include <string>

#include "vsd/base/fd.hpp"
#include "vsd/kernel/boot_plan.hpp"

namespace vs::guest {

class Cage {
 public:
  // Steps into a mount namespace of its own, where the host's tree can still be seen.
  explicit Cage(const CagePlan& plan);

  // Attaches a detached mount at `path`, which is made. Throws on anything unexpected.
  void add(const Fd& mount, std::string_view path);
  // The sources of `mounts`, each below kCageExternals by its key. The caller is in the cgroup
  // namespace that the cgroup tree is to show.
  void addExternals(const std::vector<ExternalMount>& mounts);
  // From here on the host's tree is out of reach.
  void enter();

 private:
  Fd makePlace(std::string_view path, bool directory);
  void addExternal(const ExternalMount& mount);

  Fd root_;
};

// Becomes criu, which serves what it is asked on `socket`; returns an errno. `talk` closes by
// itself when that is done.
int executeCriu(int socket, int talk) noexcept;

// vsd-guest criu: the cage without a context, for a dump. Returns the exit status when criu could
// not be executed; it has been said then.
int criuMode();

}  // namespace vs::guest
