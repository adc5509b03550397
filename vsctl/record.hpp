// One API object for people: a line for each field that has a value.
#pragma once

#include <string>

#include "vsctl/table.hpp"

namespace vs::ctl {

// "state     running". Lists take a line for each member; absent and empty fields are left out.
std::string formatRecord(Columns fields, const Json& item, const TableStyle& style);

}  // namespace vs::ctl
