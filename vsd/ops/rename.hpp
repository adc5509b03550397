// rename: a stopped context and its volume under another name; the uuid stays.
#pragma once

#include <string>
#include <vector>

#include "vsd/ops/host.hpp"

namespace vs {

void checkRename(const Host& host, const std::string& from, const std::string& to);
std::vector<std::string> planRename(const Host& host, const std::string& from,
                                    const std::string& to);
void rename(const Host& host, const std::string& from, const std::string& to, Operation& operation);

// Its last step, which may be done again: what is written inside and beside the volume follows the
// name that is on record.
void followName(const Host& host, const std::string& from, const std::string& to,
                Operation& operation);

}  // namespace vs
