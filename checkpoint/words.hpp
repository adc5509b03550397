// The texts of /proc, taken apart. Views into what is given.
#pragma once

#include <string_view>
#include <vector>

namespace vs::checkpoint {

std::vector<std::string_view> linesOf(std::string_view text);
// What blanks and tabs separate; none is empty.
std::vector<std::string_view> wordsOf(std::string_view line);

}  // namespace vs::checkpoint
