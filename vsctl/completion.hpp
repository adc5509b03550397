// What could stand at the end of an unfinished command line, for the shells; and the verbs hidden
// from help that serve it: __complete and __verbs.
#pragma once

#include <string>
#include <vector>

#include "vsctl/verbs.hpp"

namespace vs::ctl {

// Where the names of things come from; empty when they cannot be had.
using NamesOf = std::function<std::vector<std::string>(Operand)>;

// A candidate, or one of the two that tell the shell to complete by itself.
inline constexpr std::string_view kCompleteFiles = ":files";

// Candidates for the last of `words` (the words after "vsctl", the last one perhaps empty), each
// "WORD" or "WORD<tab>DESCRIPTION".
std::vector<std::string> complete(const std::vector<std::string>& words, const NamesOf& namesOf);

// vsctl __complete WORD...: prints the candidates. vsctl __verbs: prints every verb with its flags.
int runHidden(const std::vector<std::string>& arguments);

}  // namespace vs::ctl
