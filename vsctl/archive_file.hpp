// Archives as files of the user's: written by an operation under a temporary name and named when
// they are whole, read from a file or from standard input.
#pragma once

#include <sys/types.h>

#include <string>

#include "vsctl/operation.hpp"
#include "vsd/base/fd.hpp"

namespace vs::ctl {

// Carries out `work` with a descriptor to write `path` by, a new file of that mode; "-" is standard
// output. Throws Exists when there is such a file, InvalidParameter when the flags do not allow it.
int exportTo(Session& session, const std::string& path, mode_t mode, Work work);

// The archive at `path`, to be read; "-" is standard input.
Fd openArchive(const std::string& path);

}  // namespace vs::ctl
