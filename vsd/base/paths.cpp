#include "vsd/base/paths.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "vsd/base/error.hpp"

namespace vs {

std::string findCgroupRoot() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct statfs status {};
    if (::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC) return path;
  }
  throw Error(Kind::Unsupported, "no cgroup v2 hierarchy is mounted on this host")
      .withHint("boot with systemd.unified_cgroup_hierarchy=1");
}

}  // namespace vs
