// Every requirement of a host, held against what is there: kernel features, cgroup controllers,
// tools with their versions, services. `vsctl check`; type Finding of io.vsd.varlink.
#pragma once

#include <string>
#include <vector>

#include "vsd/base/finding.hpp"
#include "vsd/ops/host.hpp"

namespace vs {

// Looks, changes nothing; takes up to a few seconds.
std::vector<Finding> checkHost(const Host& host);
// The same for storages: what a tier needs of the host, disks, groups, pools, file systems. All, or
// the one of that name; throws NotFound.
std::vector<Finding> checkStorages(const Host& host, const std::string& name);

}  // namespace vs
