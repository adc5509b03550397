// The formatting library, compiled into vsctl: the rest of it then needs no shared library of fmt
// (and of the C++ runtime), which would double the time vsctl takes to start. vformat is the one
// function that fmt::format calls out of line.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

namespace vs::ctl {
[[gnu::used]] std::string (*const formatHere)(fmt::string_view, fmt::format_args) = &fmt::vformat;
}
