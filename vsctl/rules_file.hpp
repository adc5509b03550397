// Files of rules as users write them, as the lines that vsd keeps (vsd.fw(5)).
#pragma once

#include <string>
#include <vector>

namespace vs::ctl {

// The lines of a file of rules; one whose name ends in ".toml" is translated. Throws NotFound,
// InvalidParameter.
std::vector<std::string> rulesIn(const std::string& file);

// Each rule, set and group is on the line on which it stands in `text`, so what is said of a line
// is true of both. Throws InvalidParameter with every problem as "FILE:LINE:COLUMN: ..." in its
// blockers.
std::vector<std::string> rulesFromToml(const std::string& text, const std::string& file);

}  // namespace vs::ctl
