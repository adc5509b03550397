// What --help prints: the list of verbs, and the flags of one verb.
#pragma once

#include <string>

#include "vsctl/verbs.hpp"

namespace vs::ctl {

std::string overview();
// The verbs of one noun ("template").
std::string nounHelp(const std::string& noun);
std::string verbHelp(const Verb& verb, const Flags& flags);

}  // namespace vs::ctl
