// Runs a function in a child and hands back what it wrote: for things a process can do only once,
// such as entering a root or installing a filter.
#pragma once

#include <functional>
#include <string>

namespace vs::test {

// The text `body` returns, computed in a forked child; "killed by signal N" when it does not come
// back.
std::string inChild(const std::function<std::string()>& body);

// The same with `root` as the root directory, as id 0 of a user namespace of its own.
std::string inRoot(const std::string& root, const std::function<std::string()>& body);

}  // namespace vs::test
