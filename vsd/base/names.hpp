// Names of contexts, templates, snapshots and tags: they become host names, cgroups, volumes and
// paths, so one narrow form serves all: ^[a-z0-9][a-z0-9-]{0,40}$.
#pragma once

#include <string>
#include <string_view>

namespace vs {

bool isValidName(std::string_view name);
// Returns the name or throws InvalidParameter: "context name 'X' ...". `what` is "context name".
const std::string& checkName(const std::string& name, std::string_view what);
// A random (version 4) uuid in its usual text form.
std::string makeUuid();
// `text` with control characters and broken bytes as '?', for messages about foreign input.
std::string printable(std::string_view text, std::size_t limit = 120);
// `text` as one that is safe to show and can be told from every other: printable UTF-8 as it is,
// everything else (controls, marks that turn the direction of text, broken bytes) and '\\' as \xNN.
std::string escaped(std::string_view text);
// What stays the same of a message when it comes again with other figures.
std::string withoutFigures(std::string text);

}  // namespace vs
