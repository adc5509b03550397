// The log of criu, read for the one line that says why it gave up.
#pragma once

#include <string>
#include <string_view>

namespace vs::checkpoint {

// The first error of a log, without time, process and place in criu's sources; where it is one that
// is known, with what it means. Empty when there is none. Pure.
std::string firstError(std::string_view log);

}  // namespace vs::checkpoint
